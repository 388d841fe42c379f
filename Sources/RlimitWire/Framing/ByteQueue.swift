/// A queue of bytes for input or output: appended at the end, consumed at the front.
///
/// Uses one block that only grows, so a queue stops allocating after its maximum load. A new queue has no block.
@safe package struct ByteQueue: ~Copyable {
    @usableFromInline
    var block: UnsafeMutableRawBufferPointer
    @usableFromInline
    var start = 0
    @usableFromInline
    var end = 0

    @inlinable @inline(__always)
    package init() {
        unsafe block = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    @inlinable
    deinit { unsafe block.deallocate() }

    /// The number of queued bytes.
    @inlinable @inline(__always)
    package var count: Int { end - start }
    @inlinable @inline(__always)
    package var isEmpty: Bool { start == end }
    /// The size of the block in bytes.
    @inlinable @inline(__always)
    package var capacity: Int { unsafe block.count }

    /// Calls `body` with the queued bytes.
    @inlinable @inline(__always)
    package borrowing func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(rebasing: block[start..<end]))
    }

    /// Calls `body` with the queued bytes.
    @inlinable @inline(__always)
    package borrowing func withBytes<R, E: Error>(_ body: (borrowing Span<UInt8>) throws(E) -> R) throws(E) -> R {
        // All bytes before `end` are initialized: `end` moves only past bytes that were copied in.
        let queued = unsafe UnsafeRawBufferPointer(rebasing: block[start..<end])
        return try unsafe body(queued.assumingMemoryBound(to: UInt8.self).span)
    }

    /// Removes the first `count` bytes, or all bytes if there are fewer.
    @inlinable @inline(__always)
    package mutating func consume(_ count: Int) {
        start = min(end, start + max(0, count))
        if start == end { (start, end) = (0, 0) }
    }

    @inlinable @inline(__always)
    package mutating func removeAll() { (start, end) = (0, 0) }

    /// Removes all but the first `count` bytes.
    @inlinable @inline(__always)
    package mutating func truncate(to count: Int) { end = min(end, start + max(0, count)) }

    /// Frees the block if the queue is empty, for idle connections.
    @inlinable @inline(__always)
    package mutating func releaseIfEmpty() {
        guard isEmpty else { return }
        unsafe block.deallocate()
        unsafe block = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        unsafe write(upTo: bytes.count) { space in
            unsafe space.copyMemory(from: bytes)
            return bytes.count
        }
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { bytes in unsafe append(bytes) }
    }

    /// Calls `body` with free space of at least `count` bytes after the queued bytes. `body` returns the number of
    /// bytes that it wrote.
    @inlinable @inline(__always)
    @discardableResult
    package mutating func write<E: Error>(
        upTo count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) -> Int {
        makeRoom(for: count)
        let space = unsafe UnsafeMutableRawBufferPointer(rebasing: block[end...])
        let written = try unsafe body(space)
        precondition(written >= 0 && written <= capacity - end, "more was written than there was room for")
        end += written
        return written
    }

    @usableFromInline
    mutating func makeRoom(for count: Int) {
        guard capacity - end < count else { return }
        let queued = self.count
        if start >= queued, capacity - queued >= count {
            // The consumed front is at least as long as the queued bytes, so moving them costs amortized constant time.
            unsafe block.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[start..<end]))
        } else {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(queued + count, capacity * 2, 512), alignment: 16)
            unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[start..<end]))
            unsafe block.deallocate()
            unsafe block = larger
        }
        (start, end) = (0, queued)
    }
}
