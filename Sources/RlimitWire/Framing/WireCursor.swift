import RlimitModel

/// A read position in the bytes of one message.
struct WireCursor {
    private(set) var position: Int
    private let end: Int

    /// The wire type of a field. Groups are excluded: no message of this protocol has ever used one.
    enum Kind: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthPrefixed = 2
        case fixed32 = 5
    }

    init(_ range: Range<Int>) {
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }

    /// Reads a varint. Rejects one that is not in its shortest form.
    mutating func varint(in bytes: borrowing Span<UInt8>) throws(RlimitError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = bytes[position]
            position += 1
            // The tenth byte has room for bit 63 alone.
            guard shift < 63 || byte <= 1 else { throw .malformed("a number of more than 64 bits") }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                guard byte != 0 || shift == 0 else { throw .malformed("a number in more bytes than it needs") }
                return value
            }
            shift += 7
        }
        throw .malformed("a message that ends inside a number")
    }

    /// Reads the number and the wire type of a field.
    mutating func tag(in bytes: borrowing Span<UInt8>) throws(RlimitError) -> (number: UInt32, kind: Kind) {
        let tag = try varint(in: bytes)
        guard let kind = Kind(rawValue: tag & 7) else { throw .malformed("wire type \(tag & 7)") }
        guard tag <= UInt32.max, tag >> 3 > 0 else { throw .malformed("field number \(tag >> 3)") }
        return (UInt32(tag >> 3), kind)
    }

    /// Reads a length and returns the range of the bytes after it: a string, a message, or a packed list.
    mutating func body(in bytes: borrowing Span<UInt8>) throws(RlimitError) -> Range<Int> {
        let length = try varint(in: bytes)
        guard length <= UInt64(end - position) else { throw .malformed("a field that ends beyond its message") }
        let start = position
        position += Int(length)
        return start..<position
    }

    /// Skips a field of which only the wire type is known.
    mutating func skip(_ kind: Kind, in bytes: borrowing Span<UInt8>) throws(RlimitError) {
        switch kind {
        case .varint: _ = try varint(in: bytes)
        case .lengthPrefixed: _ = try body(in: bytes)
        case .fixed32: try skip(4)
        case .fixed64: try skip(8)
        }
    }

    private mutating func skip(_ count: Int) throws(RlimitError) {
        guard count <= end - position else { throw .malformed("a field that ends beyond its message") }
        position += count
    }
}

extension RlimitError {
    /// An error for bytes that do not follow the protocol.
    static func malformed(_ message: String) -> RlimitError { RlimitError(.malformed, message: message) }
}
