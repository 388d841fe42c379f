import CProtobufC

/// There is no room left in an arena.
struct ArenaFull: Error {}

/// A block from which protobuf-c and the encoders take memory piece by piece, and to which all of it returns at once.
///
/// It bounds what a message can cost, and it keeps malloc(3) off the way of a request: `reset` is one store.
@safe struct Arena: ~Copyable {
    /// What the agent gives to one request.
    static let requestCapacity = 16 * 1024
    /// What an encoder may grow to for one response.
    static let responseCapacity = 1024 * 1024
    /// What an encoder may grow to for a part of a longer list; the rest goes into the next part.
    static let partCapacity = 256 * 1024
    /// What the client may grow to for one response: a frame full of small results takes some thirty times its bytes.
    static let decoderCapacity = 2 * 1024 * 1024

    private var header: UnsafeMutablePointer<Header>

    init(capacity: Int) { unsafe header = Self.block(of: capacity) }

    deinit { unsafe UnsafeMutableRawPointer(header).deallocate() }

    var capacity: Int { unsafe header.pointee.capacity }
    var used: Int { unsafe header.pointee.used }

    /// Takes everything back.
    mutating func reset() { unsafe header.pointee.used = 0 }

    /// Takes everything back and becomes twice as large; false, and nothing is done, if that were more than `limit`.
    mutating func grow(upTo limit: Int) -> Bool {
        let larger = capacity * 2
        guard larger <= limit else { return false }
        unsafe UnsafeMutableRawPointer(header).deallocate()
        unsafe header = Self.block(of: larger)
        return true
    }

    /// Room for `count` values, zeroed: protobuf-c's structs and its arrays of numbers and pointers are all valid so.
    mutating func allocate<Value>(_ type: Value.Type, count: Int) throws(ArenaFull) -> UnsafeMutablePointer<Value> {
        let size = MemoryLayout<Value>.stride * count
        guard let piece = unsafe take(size, from: header) else { throw ArenaFull() }
        unsafe piece.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return unsafe piece.bindMemory(to: type, capacity: count)
    }

    /// Room for a list of messages or texts, as protobuf-c has them.
    mutating func pointers<Value>(
        to type: Value.Type, count: Int
    ) throws(ArenaFull) -> UnsafeMutablePointer<UnsafeMutablePointer<Value>?> {
        try unsafe allocate(UnsafeMutablePointer<Value>?.self, count: count)
    }

    /// A message as the generated `init` function leaves it.
    mutating func message<Message>(
        _ initialize: (UnsafeMutablePointer<Message>?) -> Void
    ) throws(ArenaFull) -> UnsafeMutablePointer<Message> {
        let message = try unsafe allocate(Message.self, count: 1)
        unsafe initialize(message)
        return unsafe message
    }

    /// The message that the bytes hold, unpacked into the arena; nil if it does not fit. The bytes went through a prescan.
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

/// The bookkeeping of an arena. C hands out the pieces, so it lies at an address of its own, ahead of them in the block.
@unsafe private struct Header {
    // First, so that its address is also the header's.
    var allocator: ProtobufCAllocator
    var used: Int
    var capacity: Int
}

// As malloc(3) has it.
private let alignment = 16
// 24 bytes of allocator and 16 of ours.
private let headerRoom = 48
private func roundedUp(_ size: Int) -> Int { (size + alignment - 1) & ~(alignment - 1) }

private func take(_ size: Int, from header: UnsafeMutablePointer<Header>) -> UnsafeMutableRawPointer? {
    let (used, capacity) = unsafe (header.pointee.used, header.pointee.capacity)
    // Compared before it is rounded up, so that no size overflows.
    guard size >= 0, size <= capacity - used else { return nil }
    unsafe header.pointee.used = min(capacity, used + roundedUp(size))
    return unsafe UnsafeMutableRawPointer(header) + headerRoom + used
}

private func allocate(_ header: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
    unsafe header.flatMap { header in unsafe take(size, from: header.assumingMemoryBound(to: Header.self)) }
}

private func free(_ header: UnsafeMutableRawPointer?, _ piece: UnsafeMutableRawPointer?) {
    // `reset` takes everything back.
}
