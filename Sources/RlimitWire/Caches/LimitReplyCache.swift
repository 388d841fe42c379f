import CProtobufC
import CRlimitProto
import RlimitModel

/// The commonest answer, one limit, kept built: only its numbers change from one to the next.
@safe struct LimitReplyCache: ~Copyable {
    // The messages lie in it.
    private let arena: Arena
    private let response: UnsafeMutablePointer<Proto.Response>
    private let entry: UnsafeMutablePointer<Proto.ResourceLimit>
    private let limit: UnsafeMutablePointer<Proto.Limit>

    private var packed = PackedLimit()

    /// No such answer is longer: ids and limits take at most 10 bytes each.
    private static let maxLength = 64

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

    /// Appends its frame. Packed anew only where the limit is not the last one's: limits seldom change.
    mutating func encode(_ limit: Limit, of resource: Resource, id: UInt64, into output: inout ByteQueue) {
        if packed.resource != resource || packed.limit != limit { pack(limit, of: resource) }
        unsafe output.write(upTo: Frame.headerLength + Self.maxLength) { space in
            var end = Frame.headerLength
            unsafe Varint.write(id, tag: LastMessageCache.idTag, to: space, at: &end)
            // Whole words, as there is room: the bytes behind the last are written over by whatever comes next.
            for index in packed.words.indices {
                unsafe space.storeBytes(
                    of: packed.words[index], toByteOffset: end + index * PackedLimit.wordSize, as: UInt64.self)
            }
            end += packed.count
            let length = end - Frame.headerLength
            unsafe space.storeBytes(of: UInt32(truncatingIfNeeded: length).bigEndian, as: UInt32.self)
            return end
        }
    }

    private mutating func pack(_ limit: Limit, of resource: Resource) {
        // Of one byte, as is its tag.
        unsafe response.pointee.id = 1
        unsafe entry.pointee.resource = resource.number
        unsafe self.limit.pointee.soft = limit.soft.rawValue
        unsafe self.limit.pointee.hard = limit.hard.rawValue
        var whole = InlineArray<64, UInt8>(repeating: 0)
        var span = whole.mutableSpan
        let length = unsafe span.withUnsafeMutableBytes { bytes in
            unsafe protobuf_c_message_pack(
                &response.pointee.base, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        packed.count = length - 2
        unsafe whole.span.withUnsafeBytes { bytes in
            for index in packed.words.indices {
                unsafe packed.words[index] = bytes.loadUnaligned(
                    fromByteOffset: 2 + index * PackedLimit.wordSize, as: UInt64.self)
            }
        }
        packed.resource = resource
        packed.limit = limit
    }
}

/// What follows the id in the last answer: at most 30 bytes.
private struct PackedLimit {
    var words = InlineArray<4, UInt64>(repeating: 0)
    var count = 0

    static let wordSize = MemoryLayout<UInt64>.size
    var resource: Resource?
    var limit = Limit(0)
}
