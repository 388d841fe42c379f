/// The default process: the parent of rlimitctl, usually the shell. The limits of rlimitctl itself would end with it.
///
/// Some parents are surely not the process that the user means. These are rejected.
struct ParentProcess {
    /// The result of getppid(2).
    let pid: Int32
    /// The variable SUDO_UID, which sudo(8) sets. The parent is then sudo, and the user's shell is one of its
    /// ancestors.
    let sudoUID: String?

    /// The reason for a rejection that follows from pid and sudo alone.
    var usageError: UsageError? {
        if let sudoUID, !sudoUID.isEmpty { return ambiguous("rlimitctl runs under sudo") }
        if pid == 1 { return ambiguous("the parent of rlimitctl is process 1") }
        return pid < 1 ? ambiguous("the parent of rlimitctl is outside of this PID namespace") : nil
    }

    /// The reason for a rejection, once the parent's user id is known.
    ///
    /// - Parameters:
    ///   - uid: The parent's real user id; nil if it cannot be read.
    ///   - ownUID: The real user id of rlimitctl.
    ///   - isStill: Whether getppid(2) returned the same pid after `uid` was read.
    func usageError(uid: UInt32?, ownUID: UInt32, isStill: Bool) -> UsageError? {
        guard isStill else { return ambiguous("the parent of rlimitctl has ended") }
        guard uid == ownUID else { return ambiguous("the parent of rlimitctl belongs to another user") }
        return usageError
    }

    private func ambiguous(_ reason: String) -> UsageError {
        UsageError("\(reason); select a process, for example with --pid $$")
    }
}
