internal import CRlimitLinux
internal import Glibc

/// The folder that only the agent reads and writes, held and locked for as long as this value lives.
package struct StateDirectory: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    package let path: String

    /// Opens the folder, or makes it, 0700 and `owner`'s; the folders above it must be there. mkdir(2), flock(2).
    ///
    /// - Throws: Where it is another's, others can reach into it, or another agent holds it.
    package init(path: String, owner: UInt32, group: UInt32) throws(SetupError) {
        let made = SystemCall.retrying { unsafe rl_make_directory(path, 0o700) }
        guard made == 0 || made == -EEXIST else { throw Self.failure(path, "cannot be made", -made) }
        let flags = RL_OPEN_READ.rawValue | RL_OPEN_DIRECTORY.rawValue | RL_OPEN_NO_FOLLOW.rawValue
        let number = SystemCall.retrying { unsafe rl_open(path, Int32(flags)) }
        guard number >= 0 else { throw Self.failure(path, "cannot be opened as a folder", -number) }
        let directory = FileDescriptor(owning: number)
        if made == 0 {
            let given = SystemCall.retrying { rl_change_owner(number, owner, group) }
            guard given == 0 else { throw Self.failure(path, "cannot be given to user \(owner)", -given) }
        }
        // Asked of what was opened, so that nobody can exchange it in between.
        var status = rl_file_status()
        let asked = unsafe rl_file_status(number, &status)
        guard asked == 0 else { throw Self.failure(path, "cannot be looked at", -asked) }
        guard status.uid == owner else {
            throw SetupError(
                "the state folder \(path) belongs to user \(status.uid), not to user \(owner): "
                    + "remove it, or give it to \(owner)")
        }
        guard status.mode & 0o077 == 0 else {
            throw SetupError("others can reach into the state folder \(path): chmod 0700 \(path)")
        }
        let locked = SystemCall.retrying { rl_lock_exclusive(number) }
        if locked == -EWOULDBLOCK {
            throw SetupError("another agent uses the state folder \(path): stop it, or name another with --state-dir")
        }
        guard locked == 0 else { throw Self.failure(path, "cannot be locked", -locked) }
        descriptor = directory
        self.path = path
    }

    private static func failure(_ path: String, _ what: String, _ number: Int32) -> SetupError {
        SetupError("the state folder \(path) \(what): \(SystemError.text(of: number))")
    }
}
