/// Reads what `RecordWriter` has written.
struct RecordReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    private static let truncated = LeaseRecord.FormatError("its end is missing")

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _: Number.Type = Number.self
    ) throws(LeaseRecord.FormatError) -> Number {
        let size = Number.bitWidth / 8
        guard rest.count >= size else { throw Self.truncated }
        var number: Number = 0
        for (place, byte) in rest.prefix(size).enumerated() { number |= Number(byte) << (8 * place) }
        rest = rest.dropFirst(size)
        return number
    }

    mutating func flag() throws(LeaseRecord.FormatError) -> Bool {
        let byte: UInt8 = try number()
        guard byte <= 1 else { throw LeaseRecord.FormatError("a flag is neither 0 nor 1") }
        return byte == 1
    }

    mutating func bytes() throws(LeaseRecord.FormatError) -> [UInt8] {
        let count = Int(try number(UInt16.self))
        guard rest.count >= count else { throw Self.truncated }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func string() throws(LeaseRecord.FormatError) -> String {
        let text = try bytes()
        guard let string = String(validating: text, as: UTF8.self) else {
            throw LeaseRecord.FormatError("a string is not UTF-8")
        }
        return string
    }
}
