internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// PIDFD_GET_INFO of ioctl(2): pid, thread group and ids of the process, in one call and without /proc.
enum PidfdInfo {
    private static let requiredFields = UInt64(RL_PIDFD_INFO_PID.rawValue | RL_PIDFD_INFO_CREDS.rawValue)

    static var emptyQuery: rl_pidfd_info {
        var info = rl_pidfd_info()
        info.mask = requiredFields
        return info
    }

    /// Whether the result has pid and ids. For a reaped process the call succeeds with every id 0, which would be root;
    /// only the mask shows that.
    static func isComplete(_ info: rl_pidfd_info) -> Bool {
        info.mask & requiredFields == requiredFields && info.mask & UInt64(RL_PIDFD_INFO_EXIT.rawValue) == 0
    }

    enum QueryResult {
        case credentials(ProcessCredentials)
        /// Reaped, not in this PID namespace, or a thread other than the leader.
        case noProcess
        /// The kernel does not have the call.
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
