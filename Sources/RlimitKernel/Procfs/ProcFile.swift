internal import CRlimitLinux
internal import Glibc

/// A small text file in /proc, read through a buffer on the stack.
package struct ProcFile: ~Copyable {
    private let number: Int32
    // The descriptor, if this value owns it; nil if the file is reused.
    private let file: FileDescriptor?
    // The read position of a reused file; nil for an owned one, with a file position in the kernel.
    private var position: Int64?
    // Longer than any line that is parsed: a cgroup path has at most 4095 bytes.
    private var buffer = InlineArray<8192, UInt8>(repeating: 0)
    private var filled = 0

    package init(_ path: ProcPath) throws(SystemError) {
        let opened = try path.open()
        number = opened.number
        file = consume opened
        position = nil
    }

    /// Reads the current content of an open file from the beginning. The file must stay open while this value exists.
    init(reused: borrowing FileDescriptor) {
        number = reused.number
        file = nil
        position = 0
    }

    /// Calls `body` with each line, without its line end, until it returns false. Skips lines that are longer than the
    /// buffer: a process may be in 65536 groups.
    package mutating func forEachLine(_ body: (Span<UInt8>) -> Bool) throws(SystemError) {
        var isWithinLongLine = false
        while true {
            if filled == buffer.count {
                isWithinLongLine = true
                filled = 0
            }
            let isAtEnd = try fill() == 0
            var start = 0
            for index in 0..<filled where buffer[index] == UInt8(ascii: "\n") {
                let line = start..<index
                start = index + 1
                if isWithinLongLine {
                    isWithinLongLine = false
                } else if !body(buffer.span.extracting(line)) {
                    return
                }
            }
            if isAtEnd {
                if start < filled && !isWithinLongLine { _ = body(buffer.span.extracting(start..<filled)) }
                return
            }
            for index in start..<filled { buffer[index - start] = buffer[index] }
            filled -= start
        }
    }

    /// Calls `body` with the text, truncated to the size of the buffer.
    mutating func withText<Result>(_ body: (Span<UInt8>) -> Result) throws(SystemError) -> Result {
        // One read is enough for a reused file, because the kernel generates such files as a whole.
        while try fill() > 0, position == nil, filled < buffer.count {}
        return body(buffer.span.extracting(0..<filled))
    }

    private mutating func fill() throws(SystemError) -> Int {
        let (number, start, position) = (number, filled, position)
        var span = buffer.mutableSpan
        let count = unsafe span.withUnsafeMutableBytes { bytes in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
            return SystemCall.retrying {
                guard let position else { return unsafe rl_read(number, room.baseAddress, room.count) }
                return unsafe rl_read_at(number, room.baseAddress, room.count, position)
            }
        }
        guard count >= 0 else { throw SystemError(number: Int32(truncatingIfNeeded: -count), call: "read") }
        filled += count
        self.position? += Int64(count)
        return count
    }
}
