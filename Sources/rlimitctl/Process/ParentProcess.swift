/// The process that is meant where none is named: the one that started rlimitctl, which is the shell. Its own limits
/// would end with it.
struct ParentProcess {
    /// Of the parent, as getppid(2) has it.
    var pid: Int32
    /// The real user id of the parent, where it can be seen.
    var uid: UInt32?
    /// The real user id of this process.
    var ownUID: UInt32
    /// What sudo(8) leaves in SUDO_UID: then the parent is sudo, and the shell that was meant is beyond it.
    var sudoUID: String?

    /// Throws unless the parent is surely meant.
    func check() throws(UsageError) {
        if let sudoUID, !sudoUID.isEmpty { throw ambiguous("rlimitctl was started through sudo") }
        guard pid > 1 else { throw ambiguous(pid == 1 ? "rlimitctl was started by pid 1" : "what started rlimitctl cannot be seen from here") }
        guard let uid else { throw ambiguous("what started rlimitctl has ended") }
        guard uid == ownUID else { throw ambiguous("what started rlimitctl is another user's") }
    }

    private func ambiguous(_ reason: String) -> UsageError {
        UsageError("\(reason), so say which process: --pid $$")
    }
}
