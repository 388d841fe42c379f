/// Bytes on their way out or in: appended at the end, consumed at the front.
///
/// One block that grows and is then kept, so a queue that has seen its greatest load allocates no more. An empty queue that
/// never held anything has no block at all.
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

    /// How many bytes are queued.
    @inlinable @inline(__always)
    package var count: Int { end - start }
    @inlinable @inline(__always)
    package var isEmpty: Bool { start == end }
    /// How many bytes the block holds, queued or not.
    @inlinable @inline(__always)
    package var capacity: Int { unsafe block.count }

    /// Lends what is queued.
    @inlinable @inline(__always)
    package borrowing func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(rebasing: block[start..<end]))
    }

    /// Lends what is queued.
    @inlinable @inline(__always)
    package borrowing func withBytes<R, E: Error>(_ body: (borrowing Span<UInt8>) throws(E) -> R) throws(E) -> R {
        // The block holds only bytes that were written: `end` moves behind what was copied in.
        let queued = unsafe UnsafeRawBufferPointer(rebasing: block[start..<end])
        return try unsafe body(queued.assumingMemoryBound(to: UInt8.self).span)
    }

    /// Forgets the first `count` bytes; all of them if there are fewer.
    @inlinable @inline(__always)
    package mutating func consume(_ count: Int) {
        start = min(end, start + max(0, count))
        if start == end { (start, end) = (0, 0) }
    }

    @inlinable @inline(__always)
    package mutating func removeAll() { (start, end) = (0, 0) }

    /// Forgets all but the first `count` bytes.
    @inlinable @inline(__always)
    package mutating func truncate(to count: Int) { end = min(end, start + max(0, count)) }

    /// Gives the block back if nothing is queued: for connections that fall silent.
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

    /// Lends free space of at least `count` bytes behind what is queued; `body` says how many of them it wrote.
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
            // The freed front is at least as long as what moves: each byte is moved once for each that was consumed.
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
