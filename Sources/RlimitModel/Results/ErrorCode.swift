extension RlimitError {
    /// The kinds of failure. Each maps to an errno, for callers that can only pass on an errno.
    @nonexhaustive
    public enum Code: String, Hashable, CaseIterable, Sendable {
        /// A value is not valid here (EINVAL).
        case invalidArgument
        /// There is no such resource (EINVAL).
        case invalidResource
        /// The soft limit would be above the hard one (EINVAL).
        case softExceedsHard
        /// No rule of the policy grants the request, or a rule forbids it (EPERM).
        case deniedByPolicy
        /// The kernel refused the change (EPERM).
        case deniedByKernel
        /// More open files than `fs.nr_open` (EPERM).
        case aboveSystemCeiling
        /// The process does not exist, has ended, or is ending (ESRCH).
        case noSuchProcess
        /// The process changed its ids, or ended, during the request (ESRCH).
        case targetChanged
        /// The current limits are not the expected ones (EAGAIN).
        case conflict
        /// The caller exceeds its rate of requests (EAGAIN).
        case rateLimited
        /// The caller exceeds its quota of connections or leases, or the agent's log has no room for the line about a
        /// change (EDQUOT).
        case quotaExceeded
        /// No response arrived within the timeout (ETIMEDOUT).
        case deadlineExceeded
        /// Linux, this kernel, or this agent does not support the request (EOPNOTSUPP).
        case unsupported
        /// The bytes do not follow the protocol (EPROTO).
        case malformed
        /// An internal failure of the agent (EIO).
        case internalError
        /// The lease has ended (ENOENT).
        case leaseEnded
        /// The caller is in another PID namespace, so it must send a pidfd instead of a process id (EBADF).
        case pidfdRequired
        /// No agent answers at the socket (errno of connect(2)).
        case agentUnreachable
        /// The socket belongs to a user that cannot have started the agent (EACCES).
        case untrustedSocket
        /// The connection ended before the response arrived; the request may have taken effect (ECONNRESET).
        case connectionLost
        /// The task was cancelled; the request may have taken effect (ECANCELED).
        case cancelled

        // The numbers are the same on every Linux architecture that Swift supports. This module imports no errno
        // constants.
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

        /// The message of an error without a more specific one.
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
            case .untrustedSocket: "the socket is not trusted"
            case .connectionLost: "the connection to the agent was lost"
            case .cancelled: "cancelled"
            }
        }
    }
}
