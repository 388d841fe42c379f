internal import CRlimitLinux
internal import Glibc

/// A small text file of /proc, read through one buffer on the stack.
package struct ProcFile: ~Copyable {
    private let number: Int32
    // Closed with this, unless the file is kept by somebody who reads it again.
    private let file: FileDescriptor?
    // How far a kept one was read; nil for one of our own, which the kernel counts itself.
    private var position: Int64?
    // Longer than any line of interest: a cgroup's path is at most 4095 bytes.
    private var buffer = InlineArray<8192, UInt8>(repeating: 0)
    private var filled = 0

    package init(_ path: ProcPath) throws(SystemError) {
        let opened = try path.open()
        number = opened.number
        file = consume opened
        position = nil
    }

    /// Reads a file that somebody else keeps open for as long as this lasts, from its beginning, as it is now.
    init(reused: borrowing FileDescriptor) {
        number = reused.number
        file = nil
        position = 0
    }

    /// Gives every line without its end, until `body` says false. A line that is longer than the buffer (a process may be in
    /// 65536 groups) is left out.
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

    /// Gives the whole text, as much of it as fits.
    mutating func withText<Result>(_ body: (Span<UInt8>) -> Result) throws(SystemError) -> Result {
        // Of a kept one the first read gives all that there is: the kernel writes such files at one go.
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
