import CRlimitProto
import RlimitModel

extension RlimitError {
    /// An error as an agent sent it. A code that is not known here is the agent's own fault, with its words kept.
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

    /// An error that an answer may hold.
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
