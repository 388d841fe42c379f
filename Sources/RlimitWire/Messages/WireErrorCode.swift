import CRlimitProto
import RlimitModel

extension RlimitError.Code {
    /// nil for a number that is not in the contract.
    init?(number: Proto.ErrorCode) {
        switch number {
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_INVALID_ARGUMENT: self = .invalidArgument
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_INVALID_RESOURCE: self = .invalidResource
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_SOFT_EXCEEDS_HARD: self = .softExceedsHard
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_NO_SUCH_PROCESS: self = .noSuchProcess
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_POLICY: self = .deniedByPolicy
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_KERNEL: self = .deniedByKernel
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_ABOVE_SYSTEM_CEILING: self = .aboveSystemCeiling
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_TARGET_CHANGED: self = .targetChanged
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_CONFLICT: self = .conflict
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_QUOTA_EXCEEDED: self = .quotaExceeded
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_RATE_LIMITED: self = .rateLimited
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_DEADLINE_EXCEEDED: self = .deadlineExceeded
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_LEASE_ENDED: self = .leaseEnded
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_PIDFD_REQUIRED: self = .pidfdRequired
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_UNSUPPORTED: self = .unsupported
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_MALFORMED: self = .malformed
        case RLIMITD__V1__ERROR_CODE__ERROR_CODE_INTERNAL: self = .internalError
        default: return nil
        }
    }

    var number: Proto.ErrorCode {
        switch self {
        case .invalidArgument: RLIMITD__V1__ERROR_CODE__ERROR_CODE_INVALID_ARGUMENT
        case .invalidResource: RLIMITD__V1__ERROR_CODE__ERROR_CODE_INVALID_RESOURCE
        case .softExceedsHard: RLIMITD__V1__ERROR_CODE__ERROR_CODE_SOFT_EXCEEDS_HARD
        case .noSuchProcess: RLIMITD__V1__ERROR_CODE__ERROR_CODE_NO_SUCH_PROCESS
        case .deniedByPolicy: RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_POLICY
        case .deniedByKernel: RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_KERNEL
        case .aboveSystemCeiling: RLIMITD__V1__ERROR_CODE__ERROR_CODE_ABOVE_SYSTEM_CEILING
        case .targetChanged: RLIMITD__V1__ERROR_CODE__ERROR_CODE_TARGET_CHANGED
        case .conflict: RLIMITD__V1__ERROR_CODE__ERROR_CODE_CONFLICT
        case .quotaExceeded: RLIMITD__V1__ERROR_CODE__ERROR_CODE_QUOTA_EXCEEDED
        case .rateLimited: RLIMITD__V1__ERROR_CODE__ERROR_CODE_RATE_LIMITED
        case .deadlineExceeded: RLIMITD__V1__ERROR_CODE__ERROR_CODE_DEADLINE_EXCEEDED
        case .leaseEnded: RLIMITD__V1__ERROR_CODE__ERROR_CODE_LEASE_ENDED
        case .pidfdRequired: RLIMITD__V1__ERROR_CODE__ERROR_CODE_PIDFD_REQUIRED
        case .unsupported: RLIMITD__V1__ERROR_CODE__ERROR_CODE_UNSUPPORTED
        case .malformed: RLIMITD__V1__ERROR_CODE__ERROR_CODE_MALFORMED
        case .internalError: RLIMITD__V1__ERROR_CODE__ERROR_CODE_INTERNAL
        // The client's own; an agent that says one of these has a fault.
        case .agentUnreachable, .untrustedSocket, .connectionLost, .cancelled:
            RLIMITD__V1__ERROR_CODE__ERROR_CODE_INTERNAL
        }
    }
}
