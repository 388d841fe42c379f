extension RlimitError {
    /// The kinds of failure. Each has an errno of its own, for callers that can only pass one on.
    @nonexhaustive
    public enum Code: String, Hashable, CaseIterable, Sendable {
        /// A value that makes no sense here (EINVAL).
        case invalidArgument
        /// No such resource (EINVAL).
        case invalidResource
        /// The soft limit would be above the hard one (EINVAL).
        case softExceedsHard
        /// No rule of the administrator's grants it, or one forbids it (EPERM).
        case deniedByPolicy
        /// The kernel refused it (EPERM).
        case deniedByKernel
        /// More open files than `fs.nr_open` (EPERM).
        case aboveSystemCeiling
        /// The process never was, has ended, or is ending (ESRCH).
        case noSuchProcess
        /// The process became another user's, or ended, while the request was carried out (ESRCH).
        case targetChanged
        /// The limits are not those that were expected (EAGAIN).
        case conflict
        /// Too many requests in too little time (EAGAIN).
        case rateLimited
        /// Too many connections or leases (EDQUOT).
        case quotaExceeded
        /// No answer in the time that was given (ETIMEDOUT).
        case deadlineExceeded
        /// Not on Linux, not on this kernel, or not in this agent (EOPNOTSUPP).
        case unsupported
        /// Bytes that are not the protocol (EPROTO).
        case malformed
        /// The agent's own fault (EIO).
        case internalError
        /// The lease ended before (ENOENT).
        case leaseEnded
        /// A process id from a caller in another PID namespace, which must send a pidfd (EBADF).
        case pidfdRequired
        /// Nobody answers at the socket (what connect(2) said).
        case agentUnreachable
        /// The socket belongs to somebody who could not have started the agent (EACCES).
        case untrustedSocket
        /// The connection ended before the answer came; the request may have been carried out (ECONNRESET).
        case connectionLost
        /// The task was cancelled; the request may have been carried out (ECANCELED).
        case cancelled

        // The numbers of Linux on every architecture that Swift runs on; spelled out because this module imports nothing.
        package var errno: Int32 {
            switch self {
            case .invalidArgument, .invalidResource, .softExceedsHard: 22
            case .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: 1
            case .noSuchProcess, .targetChanged: 3
            case .conflict, .rateLimited: 11
            case .quotaExceeded: 122
            case .deadlineExceeded: 110
            case .unsupported: 95
            case .malformed: 71
            case .internalError: 5
            case .leaseEnded: 2
            case .pidfdRequired: 9
            case .agentUnreachable: 111
            case .untrustedSocket: 13
            case .connectionLost: 104
            case .cancelled: 125
            }
        }

        /// What to say where nothing more is known.
        package var summary: String {
            switch self {
            case .invalidArgument: "invalid argument"
            case .invalidResource: "no such resource"
            case .softExceedsHard: "the soft limit is above the hard limit"
            case .deniedByPolicy: "refused by policy"
            case .deniedByKernel: "refused by the kernel"
            case .aboveSystemCeiling: "above fs.nr_open"
            case .noSuchProcess: "no such process"
            case .targetChanged: "the process changed its identity meanwhile"
            case .conflict: "the limits are not as expected"
            case .rateLimited: "too many requests; try again later"
            case .quotaExceeded: "quota exceeded"
            case .deadlineExceeded: "no answer in time"
            case .unsupported: "not supported"
            case .malformed: "not the rlimitd protocol"
            case .internalError: "internal error of the agent"
            case .leaseEnded: "the lease has ended"
            case .pidfdRequired: "a caller in another PID namespace must send a pidfd"
            case .agentUnreachable: "the agent is not reachable"
            case .untrustedSocket: "the socket belongs to somebody else"
            case .connectionLost: "the connection to the agent was lost"
            case .cancelled: "cancelled"
            }
        }
    }
}
