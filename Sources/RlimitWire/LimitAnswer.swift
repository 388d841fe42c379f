import CProtobufC
import CRlimitProto
import RlimitModel

/// The commonest answer, one limit, kept built: only its numbers change from one to the next.
@safe struct LimitAnswer: ~Copyable {
    // The messages lie in it.
    private let arena: Arena
    private let response: UnsafeMutablePointer<Proto.Response>
    private let entry: UnsafeMutablePointer<Proto.ResourceLimit>
    private let limit: UnsafeMutablePointer<Proto.Limit>

    /// No such answer is longer.
    private static let greatestLength = 64

    init() throws(ArenaFull) {
        // What can fail comes first.
        var arena = Arena(capacity: 1024)
        let response = try unsafe arena.message(rlimitd__v1__response__init)
        let entry = try unsafe arena.message(rlimitd__v1__resource_limit__init)
        let limit = try unsafe Limit(0).write(to: &arena)
        let list = try unsafe arena.message(rlimitd__v1__limit_list__init)
        let entries = try unsafe arena.pointers(to: Proto.ResourceLimit.self, count: 1)
        unsafe entries[0] = entry
        unsafe list.pointee.limits = entries
        unsafe list.pointee.n_limits = 1
        unsafe entry.pointee.has_resource = 1
        unsafe entry.pointee.limit = limit
        unsafe response.pointee.has_id = 1
        unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS
        unsafe response.pointee.limits = list
        self.arena = arena
        unsafe self.response = response
        unsafe self.entry = entry
        unsafe self.limit = limit
    }

    /// Appends its frame.
    mutating func encode(_ limit: Limit, of resource: Resource, id: UInt64, into output: inout ByteQueue) {
        unsafe response.pointee.id = id
        unsafe entry.pointee.resource = resource.number
        unsafe self.limit.pointee.soft = limit.soft.rawValue
        unsafe self.limit.pointee.hard = limit.hard.rawValue
        unsafe output.appendFrame(ofAtMost: Self.greatestLength, &response.pointee.base)
    }
}
