internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// PIDFD_GET_INFO of ioctl(2): pid, thread group and ids of the process behind a pidfd, in one call and without /proc.
enum PidfdInfo {
    private static let requiredFields = UInt64(RL_PIDFD_INFO_PID.rawValue | RL_PIDFD_INFO_CREDS.rawValue)

    static var emptyQuery: rl_pidfd_info {
        var info = rl_pidfd_info()
        info.mask = requiredFields
        return info
    }

    /// For a process that was reaped the call succeeds, and every id is 0, which would be root: only the mask tells.
    static func isComplete(_ info: rl_pidfd_info) -> Bool {
        info.mask & requiredFields == requiredFields && info.mask & UInt64(RL_PIDFD_INFO_EXIT.rawValue) == 0
    }

    enum QueryResult {
        case credentials(ProcessCredentials)
        /// Reaped, invisible from here, or a thread that is no process.
        case noProcess
        /// The kernel does not know the question.
        case unsupported
    }

    static func query(_ pidfd: Int32) throws(SystemError) -> QueryResult {
        var info = emptyQuery
        switch SystemCall.retrying({ unsafe rl_pidfd_info(pidfd, &info) }) {
        case 0: break
        case -ESRCH, -EREMOTE: return .noProcess
        case -EINVAL, -ENOTTY: return .unsupported
        case let other: throw SystemError(number: -other, call: "PIDFD_GET_INFO")
        }
        guard isComplete(info), info.pid == info.tgid, let pid = Int32(exactly: info.pid), pid > 0 else {
            return .noProcess
        }
        let credentials = Credentials(
            realUID: info.ruid, effectiveUID: info.euid, savedUID: info.suid, realGID: info.rgid,
            effectiveGID: info.egid, savedGID: info.sgid)
        return .credentials(ProcessCredentials(pid: pid, credentials: credentials))
    }
}
