// Parses ASCII words and numbers of /proc files in place.

extension Span where Element == UInt8 {
    /// Whether the bytes begin with `word`.
    package func starts(with word: StaticString) -> Bool {
        guard count >= word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { bytes in
            for index in 0..<bytes.count where unsafe bytes[index] != self[index] { return false }
            return true
        }
    }

    /// Parses a number at `position`, after blanks. Advances `position` past it. nil if there is no number or it does
    /// not fit into 64 bits.
    package func number(at position: inout Int, base: UInt64 = 10) -> UInt64? {
        while position < count, self[position] == UInt8(ascii: " ") || self[position] == UInt8(ascii: "\t") {
            position += 1
        }
        let start = position
        var value: UInt64 = 0
        while position < count, let digit = Self.digit(self[position]), digit < base {
            let (product, overflow) = value.multipliedReportingOverflow(by: base)
            let (sum, carried) = product.addingReportingOverflow(digit)
            guard !overflow, !carried else { return nil }
            value = sum
            position += 1
        }
        return position > start ? value : nil
    }

    /// Parses a number with an optional minus sign. See `number(at:base:)`.
    func signedNumber(at position: inout Int) -> Int64? {
        while position < count, self[position] == UInt8(ascii: " ") || self[position] == UInt8(ascii: "\t") {
            position += 1
        }
        let isNegative = position < count && self[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        guard let magnitude = number(at: &position) else { return nil }
        return isNegative ? Int64(exactly: magnitude).map { -$0 } : Int64(exactly: magnitude)
    }

    /// The last index of a byte. nil if there is none.
    func lastIndex(of byte: UInt8) -> Int? {
        var index = count - 1
        while index >= 0 {
            if self[index] == byte { return index }
            index -= 1
        }
        return nil
    }

    /// Copies a range into a string. Invalid UTF-8 becomes U+FFFD.
    func string(_ range: Range<Int>) -> String {
        unsafe extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
