import CRlimitProto
import RlimitModel

extension RlimitError {
    /// Decodes an error. An unknown code becomes `.internalError` with the message of the agent.
    init(reading message: UnsafePointer<Proto.Error>) throws(RlimitError) {
        let code = unsafe present(message.pointee.has_code, message.pointee.code).flatMap(Code.init(number:))
        try self.init(
            code ?? .internalError,
            errno: unsafe present(message.pointee.has_error_number, message.pointee.error_number),
            message: unsafe WireText.read(message.pointee.message) ?? "",
            resource: unsafe present(message.pointee.has_resource, message.pointee.resource)
                .flatMap(Resource.init(number:)),
            editIndex: unsafe present(message.pointee.has_edit_index, message.pointee.edit_index).map(Int.init),
            rule: unsafe WireText.readName(message.pointee.rule),
            allowed: unsafe Limit.decoded(message.pointee.allowed),
            retryAfter: unsafe present(message.pointee.has_retry_after_ms, message.pointee.retry_after_ms)
                .map { milliseconds in .milliseconds(milliseconds) })
    }

    /// Decodes the error of a field that may be absent.
    static func decoded(_ message: UnsafeMutablePointer<Proto.Error>?) throws(RlimitError) -> RlimitError? {
        guard let message = unsafe message else { return nil }
        return try unsafe RlimitError(reading: message)
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Error> {
        let error = try unsafe arena.message(rlimitd__v1__error__init)
        unsafe error.pointee.has_code = 1
        unsafe error.pointee.code = code.number
        unsafe error.pointee.has_error_number = 1
        unsafe error.pointee.error_number = errno
        if let resource {
            unsafe error.pointee.has_resource = 1
            unsafe error.pointee.resource = resource.number
        }
        if let editIndex, let index = UInt32(exactly: editIndex) {
            unsafe error.pointee.has_edit_index = 1
            unsafe error.pointee.edit_index = index
        }
        unsafe error.pointee.rule = try arena.text(rule)
        unsafe error.pointee.message = try arena.text(message) as UnsafeMutablePointer<CChar>
        unsafe error.pointee.allowed = try allowed?.write(to: &arena)
        if let retryAfter {
            unsafe error.pointee.has_retry_after_ms = 1
            unsafe error.pointee.retry_after_ms = UInt32(clamping: retryAfter.milliseconds)
        }
        return unsafe error
    }
}

extension RlimitError.Code {
    /// The code of a number; nil if the protocol has none.
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
        // Only clients report these codes. In the agent they would be an internal error.
        case .agentUnreachable, .untrustedSocket, .connectionLost, .cancelled:
            RLIMITD__V1__ERROR_CODE__ERROR_CODE_INTERNAL
        }
    }
}
