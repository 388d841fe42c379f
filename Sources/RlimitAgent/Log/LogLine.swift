import RlimitModel
import RlimitWire

/// The format of log lines.
package enum LogFormat: String, Sendable, CaseIterable {
    /// `key=value` pairs. Values with other than plain characters are quoted.
    case text
    /// One JSON object a line, with the same keys.
    case json
}

/// A log line, built key by key. Any value stays one value on one line: names of processes, cgroups and labels come
/// from other users.
struct LogLine: ~Copyable {
    private let format: LogFormat
    // Holds most lines without an allocation.
    private var buffer = InlineArray<480, UInt8>(repeating: 0)
    private var bufferCount = 0
    // The bytes of a longer line that precede the buffer.
    private var overflow: [UInt8] = []

    init(_ format: LogFormat) { self.format = format }

    mutating func add(_ key: StaticString, _ value: String) {
        begin(key)
        var value = value
        let isWritten = value.withUTF8 { bytes in
            if format == .text, unsafe LogLine.isPlain(bytes) {
                unsafe append(bytes)
            } else if unsafe LogLine.isPrintable(bytes) {
                append(UInt8(ascii: "\""))
                unsafe append(bytes)
                append(UInt8(ascii: "\""))
            } else {
                return false
            }
            return true
        }
        if !isWritten { quote(value) }
    }

    /// Adds a value of plain characters.
    mutating func add(_ key: StaticString, literal: StaticString) {
        begin(key)
        if format == .json { append(UInt8(ascii: "\"")) }
        append(literal)
        if format == .json { append(UInt8(ascii: "\"")) }
    }

    mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        begin(key)
        if value < 0 { append(UInt8(ascii: "-")) }
        append(UInt64(value.magnitude))
    }

    /// Adds a limit, as "1024:unlimited".
    mutating func add(_ key: StaticString, _ limit: Limit) {
        begin(key)
        if format == .json { append(UInt8(ascii: "\"")) }
        append(limit.soft)
        append(UInt8(ascii: ":"))
        append(limit.hard)
        if format == .json { append(UInt8(ascii: "\"")) }
    }

    mutating func add(_ key: StaticString, _ time: Timestamp) {
        begin(key)
        if format == .json { append(UInt8(ascii: "\"")) }
        append(time.bytes.span)
        if format == .json { append(UInt8(ascii: "\"")) }
    }

    mutating func add(_ key: StaticString, _ value: String?) {
        if let value { add(key, value) }
    }

    /// Ends the line.
    mutating func finish() {
        if format == .json { append(UInt8(ascii: "}")) }
        append(UInt8(ascii: "\n"))
    }

    /// The number of bytes.
    var length: Int { overflow.count + bufferCount }

    /// Appends the line to a queue.
    func write(to queue: inout ByteQueue) {
        if !overflow.isEmpty { queue.append(overflow.span) }
        queue.append(buffer.span.extracting(0..<bufferCount))
    }

    private mutating func begin(_ key: StaticString) {
        switch format {
        case .text:
            if length > 0 { append(UInt8(ascii: " ")) }
            append(key)
            append(UInt8(ascii: "="))
        case .json:
            append(UInt8(ascii: length > 0 ? "," : "{"))
            // Keys need no escapes.
            append(UInt8(ascii: "\""))
            append(key)
            append(UInt8(ascii: "\""))
            append(UInt8(ascii: ":"))
        }
    }

    private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in bytes.indices {
            let byte = unsafe bytes[index]
            guard byte > 0x20, needsNoEscape(byte), byte != UInt8(ascii: "=") else { return false }
        }
        return !bytes.isEmpty
    }

    // Whether the value needs no escapes between quotes.
    private static func isPrintable(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in bytes.indices {
            guard needsNoEscape(unsafe bytes[index]) else { return false }
        }
        return true
    }

    private static func needsNoEscape(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    // Escapes as in JSON. Also escapes everything beyond ASCII, so that no value controls a terminal.
    private mutating func quote(_ value: String) {
        append(UInt8(ascii: "\""))
        for unit in value.utf16 {
            switch unit {
            case 0x22, 0x5c:
                append(UInt8(ascii: "\\"))
                append(UInt8(truncatingIfNeeded: unit))
            case 0x20...0x7e: append(UInt8(truncatingIfNeeded: unit))
            default:
                append("\\u")
                for shift in [12, 8, 4, 0] {
                    let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift) & 0xf)
                    append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
                }
            }
        }
        append(UInt8(ascii: "\""))
    }
}

// Bytes.
extension LogLine {
    private mutating func append(_ bound: Limit.Bound) {
        guard let value = bound.value else { return append("unlimited") }
        append(value)
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe append($0) }
    }

    // Digit by digit, without a String: a line has many numbers.
    private mutating func append(_ number: UInt64) {
        guard number > 9 else { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)) }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = digits.count
        var left = number
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10)
            left /= 10
        } while left > 0
        append(digits.span.extracting(start..<digits.count))
    }

    @inline(__always)
    private mutating func append(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    // Inlined, because a line consists of some thirty pieces.
    @inline(__always)
    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        let start = bufferCount
        guard bytes.count <= buffer.count - start else { return unsafe appendSpilling(bytes) }
        var span = buffer.mutableSpan
        unsafe span.withUnsafeMutableBytes { space in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: space[start...])
            unsafe room.copyMemory(from: UnsafeRawBufferPointer(bytes))
        }
        bufferCount = start + bytes.count
    }

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        if bufferCount == buffer.count { spillBuffer() }
        buffer[bufferCount] = byte
        bufferCount += 1
    }

    @inline(never)
    private mutating func appendSpilling(_ bytes: UnsafeBufferPointer<UInt8>) {
        spillBuffer()
        unsafe overflow.append(contentsOf: bytes)
    }

    @inline(never)
    private mutating func spillBuffer() {
        unsafe buffer.span.extracting(0..<bufferCount).withUnsafeBufferPointer {
            unsafe overflow.append(contentsOf: $0)
        }
        bufferCount = 0
    }
}
