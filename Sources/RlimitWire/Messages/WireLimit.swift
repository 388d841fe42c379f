import CRlimitProto
import RlimitModel

extension Limit {
    /// nil where a half is missing.
    init?(reading message: UnsafePointer<Proto.Limit>) {
        guard unsafe message.pointee.has_soft != 0, unsafe message.pointee.has_hard != 0 else { return nil }
        unsafe self.init(soft: Bound(rawValue: message.pointee.soft), hard: Bound(rawValue: message.pointee.hard))
    }

    /// A pair that a response must hold whole.
    init(decoded message: UnsafeMutablePointer<Proto.Limit>?) throws(RlimitError) {
        guard let message = unsafe message, let limit = unsafe Limit(reading: message) else {
            throw .malformed("an answer that lacks a limit, or half of one")
        }
        self = limit
    }

    /// A pair that a response may hold.
    static func decoded(_ message: UnsafeMutablePointer<Proto.Limit>?) throws(RlimitError) -> Limit? {
        guard let message = unsafe message else { return nil }
        return try unsafe Limit(decoded: message)
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Limit> {
        let message = try unsafe arena.message(rlimitd__v1__limit__init)
        unsafe message.pointee.has_soft = 1
        unsafe message.pointee.soft = soft.rawValue
        unsafe message.pointee.has_hard = 1
        unsafe message.pointee.hard = hard.rawValue
        return unsafe message
    }
}
