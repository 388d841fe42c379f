internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// PIDFD_GET_INFO of ioctl(2): pid, thread group and ids of the process behind a pidfd, in one call and without /proc.
enum PidfdInfo {
    private static let needed = UInt64(RL_PIDFD_INFO_PID.rawValue | RL_PIDFD_INFO_CREDS.rawValue)

    static var question: rl_pidfd_info {
        var info = rl_pidfd_info()
        info.mask = needed
        return info
    }

    /// For a process that was reaped the call succeeds, and every id is 0, which would be root: only the mask tells.
    static func isComplete(_ info: rl_pidfd_info) -> Bool {
        info.mask & needed == needed && info.mask & UInt64(RL_PIDFD_INFO_EXIT.rawValue) == 0
    }

    enum Answer {
        case identity(Identity)
        /// Reaped, invisible from here, or a thread that is no process.
        case nobody
        /// The kernel does not know the question.
        case unknown
    }

    static func ask(_ pidfd: Int32) throws(SystemError) -> Answer {
        var info = question
        switch SystemCall.retrying({ unsafe rl_pidfd_info(pidfd, &info) }) {
        case 0: break
        case -ESRCH, -EREMOTE: return .nobody
        case -EINVAL, -ENOTTY: return .unknown
        case let other: throw SystemError(number: -other, call: "PIDFD_GET_INFO")
        }
        guard isComplete(info), info.pid == info.tgid, let pid = Int32(exactly: info.pid), pid > 0 else {
            return .nobody
        }
        let credentials = Credentials(
            realUID: info.ruid, effectiveUID: info.euid, savedUID: info.suid, realGID: info.rgid,
            effectiveGID: info.egid, savedGID: info.sgid)
        return .identity(Identity(pid: pid, credentials: credentials))
    }
}
