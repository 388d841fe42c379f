import CProtobufC

/// An arena has no room left.
struct ArenaFull: Error {}

/// A bump allocator for protobuf-c and the encoders: `reset` frees all pieces at once with one store.
///
/// It bounds the memory for one message, and requests need no malloc(3).
@safe struct Arena: ~Copyable {
    /// The size for one request in the agent.
    static let requestCapacity = 16 * 1024
    /// The maximum size for encoding one response.
    static let responseCapacity = 1024 * 1024
    /// The maximum size for encoding one part of a longer list. The rest goes into the next part.
    static let partCapacity = 256 * 1024
    /// The maximum size for decoding one response in the client: small results unpack to about thirty times their
    /// bytes.
    static let decoderCapacity = 2 * 1024 * 1024

    private var header: UnsafeMutablePointer<Header>

    init(capacity: Int) { unsafe header = Self.block(of: capacity) }

    deinit { unsafe UnsafeMutableRawPointer(header).deallocate() }

    var capacity: Int { unsafe header.pointee.capacity }
    var used: Int { unsafe header.pointee.used }

    /// Frees all pieces.
    mutating func reset() { unsafe header.pointee.used = 0 }

    /// Frees all pieces and doubles the capacity. Returns false without effect if that would exceed `limit`.
    mutating func grow(upTo limit: Int) -> Bool {
        let larger = capacity * 2
        guard larger <= limit else { return false }
        unsafe UnsafeMutableRawPointer(header).deallocate()
        unsafe header = Self.block(of: larger)
        return true
    }

    /// Zeroed memory for `count` values. Zeroes are valid for protobuf-c's structs and for arrays of numbers and
    /// pointers.
    mutating func allocate<Value>(_ type: Value.Type, count: Int) throws(ArenaFull) -> UnsafeMutablePointer<Value> {
        let size = MemoryLayout<Value>.stride * count
        guard let piece = unsafe take(size, from: header) else { throw ArenaFull() }
        unsafe piece.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return unsafe piece.bindMemory(to: type, capacity: count)
    }

    /// Memory for the pointers of a list of messages or texts.
    mutating func pointers<Value>(
        to type: Value.Type, count: Int
    ) throws(ArenaFull) -> UnsafeMutablePointer<UnsafeMutablePointer<Value>?> {
        try unsafe allocate(UnsafeMutablePointer<Value>?.self, count: count)
    }

    /// A message initialized by its generated `init` function.
    mutating func message<Message>(
        _ initialize: (UnsafeMutablePointer<Message>?) -> Void
    ) throws(ArenaFull) -> UnsafeMutablePointer<Message> {
        let message = try unsafe allocate(Message.self, count: 1)
        unsafe initialize(message)
        return unsafe message
    }

    /// Unpacks validated bytes into the arena; nil if the message does not fit.
    mutating func unpack(
        _ bytes: borrowing Span<UInt8>, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafeMutablePointer<ProtobufCMessage>? {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe protobuf_c_message_unpack(
                descriptor, UnsafeMutableRawPointer(header).assumingMemoryBound(to: ProtobufCAllocator.self),
                bytes.count, bytes.baseAddress)
        }
    }

    private static func block(of capacity: Int) -> UnsafeMutablePointer<Header> {
        let block = UnsafeMutableRawPointer.allocate(byteCount: headerRoom + capacity, alignment: alignment)
        let header = unsafe block.bindMemory(to: Header.self, capacity: 1)
        let allocator = unsafe ProtobufCAllocator(alloc: allocate(_:_:), free: free(_:_:), allocator_data: block)
        unsafe header.initialize(to: Header(allocator: allocator, used: 0, capacity: capacity))
        return unsafe header
    }
}

/// The state of an arena. It needs a stable address for the C callbacks, so it precedes the pieces in the block.
@unsafe private struct Header {
    // The first field, so that its address is also that of the header.
    var allocator: ProtobufCAllocator
    var used: Int
    var capacity: Int
}

// The alignment of malloc(3).
private let alignment = 16
// 24 bytes for the allocator and 16 for the other fields, rounded up to the alignment.
private let headerRoom = 48
private func roundedUp(_ size: Int) -> Int { (size + alignment - 1) & ~(alignment - 1) }

private func take(_ size: Int, from header: UnsafeMutablePointer<Header>) -> UnsafeMutableRawPointer? {
    let (used, capacity) = unsafe (header.pointee.used, header.pointee.capacity)
    // Compares before rounding up, so that no size overflows.
    guard size >= 0, size <= capacity - used else { return nil }
    unsafe header.pointee.used = min(capacity, used + roundedUp(size))
    return unsafe UnsafeMutableRawPointer(header) + headerRoom + used
}

private func allocate(_ header: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
    unsafe header.flatMap { header in unsafe take(size, from: header.assumingMemoryBound(to: Header.self)) }
}

private func free(_ header: UnsafeMutableRawPointer?, _ piece: UnsafeMutableRawPointer?) {
    // `reset` frees all pieces.
}
