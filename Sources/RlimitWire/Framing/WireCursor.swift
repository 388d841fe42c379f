import RlimitModel

/// A place in the bytes of one message, and the end of that message.
struct WireCursor {
    private(set) var position: Int
    private let end: Int

    /// How the bytes of a field are laid out. Groups are not: no message of this protocol has ever had one.
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

    /// A number in as few bytes as it needs, seven bits in each, the lowest first.
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

    /// The number of a field, and how it is laid out.
    mutating func tag(in bytes: borrowing Span<UInt8>) throws(RlimitError) -> (number: UInt32, kind: Kind) {
        let tag = try varint(in: bytes)
        guard let kind = Kind(rawValue: tag & 7) else { throw .malformed("wire type \(tag & 7)") }
        guard tag <= UInt32.max, tag >> 3 > 0 else { throw .malformed("field number \(tag >> 3)") }
        return (UInt32(tag >> 3), kind)
    }

    /// What follows a length: a string, a message, a packed list.
    mutating func body(in bytes: borrowing Span<UInt8>) throws(RlimitError) -> Range<Int> {
        let length = try varint(in: bytes)
        guard length <= UInt64(end - position) else { throw .malformed("a field that ends beyond its message") }
        let start = position
        position += Int(length)
        return start..<position
    }

    /// Goes past a field of which only the layout is known.
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
    /// What is wrong with bytes that are not the protocol.
    static func malformed(_ message: String) -> RlimitError { RlimitError(.malformed, message: message) }
}
