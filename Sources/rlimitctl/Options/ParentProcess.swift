/// The process that is meant where none is named: the one that started rlimitctl, which is the shell. Its own limits
/// would end with it.
struct ParentProcess {
    /// Of the parent, as getppid(2) has it.
    let pid: Int32
    /// What sudo(8) leaves in SUDO_UID: then the parent is sudo, and the shell that was meant is beyond it.
    let sudoUID: String?

    /// Why it cannot be what was meant, as far as its number tells.
    var usageError: UsageError? {
        if let sudoUID, !sudoUID.isEmpty { return ambiguous("this was started through sudo") }
        if pid == 1 { return ambiguous("this was started by process 1") }
        return pid < 1 ? ambiguous("what started this cannot be seen from here") : nil
    }

    /// Why it cannot be what was meant, once it was looked at.
    ///
    /// - Parameters:
    ///   - uid: Its real user id; nil where that cannot be seen.
    ///   - ownUID: The real user id of this process.
    ///   - isStill: Whether it was still the parent after it was looked at.
    func usageError(uid: UInt32?, ownUID: UInt32, isStill: Bool) -> UsageError? {
        guard isStill else { return ambiguous("what started this has ended") }
        guard uid == ownUID else { return ambiguous("what started this is another user's") }
        return usageError
    }

    private func ambiguous(_ reason: String) -> UsageError {
        UsageError("\(reason), so say which process: --pid $$")
    }
}
