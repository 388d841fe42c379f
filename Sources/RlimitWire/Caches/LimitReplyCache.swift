import CProtobufC
import CRlimitProto
import RlimitModel

/// The encoded form of the most frequent response, one limit. Only its numbers change between responses.
@safe struct LimitReplyCache: ~Copyable {
    // Holds the messages below.
    private let arena: Arena
    private let response: UnsafeMutablePointer<Proto.Response>
    private let entry: UnsafeMutablePointer<Proto.ResourceLimit>
    private let limit: UnsafeMutablePointer<Proto.Limit>

    private var packed = PackedLimit()

    /// The maximum size of such a response: the id and the two limits take at most 10 bytes each.
    private static let maxLength = 64

    init() throws(ArenaFull) {
        // Everything that can fail precedes the initialization of self.
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

    /// Appends the frame. Packs the limit again only if it differs from the last one.
    mutating func encode(_ limit: Limit, of resource: Resource, id: UInt64, into output: inout ByteQueue) {
        if packed.resource != resource || packed.limit != limit { pack(limit, of: resource) }
        unsafe output.write(upTo: Frame.headerLength + Self.maxLength) { space in
            var end = Frame.headerLength
            unsafe Varint.write(id, tag: LastMessageCache.idTag, to: space, at: &end)
            // Copies whole words, because the reserved space allows it. The next write overwrites the bytes after the
            // last.
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
        // An id of one byte after a tag of one byte.
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

/// The bytes after the id in the last response: at most 30.
private struct PackedLimit {
    var words = InlineArray<4, UInt64>(repeating: 0)
    var count = 0

    static let wordSize = MemoryLayout<UInt64>.size
    var resource: Resource?
    var limit = Limit(0)
}
