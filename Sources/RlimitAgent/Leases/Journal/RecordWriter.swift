/// Numbers and texts, one after another: the lowest byte first, and before each text how long it is.
struct RecordWriter {
    private(set) var bytes: [UInt8]
    /// Every text was short enough for its length to be written.
    private(set) var fits = true

    init(_ prefix: [UInt8]) { bytes = prefix }

    mutating func put(_ number: some FixedWidthInteger & UnsignedInteger) {
        for place in 0..<(number.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * place))) }
    }

    mutating func put(_ flag: Bool) { bytes.append(flag ? 1 : 0) }
    mutating func put(_ text: String) { put(bytes: Array(text.utf8)) }

    mutating func put(bytes text: [UInt8]) {
        fits = fits && text.count <= UInt16.max
        put(UInt16(clamping: text.count))
        bytes += text
    }
}

/// Takes the same apart again. What is not there is a fault.
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
        guard byte <= 1 else { throw LeaseRecord.FormatError("it has a flag that is neither 0 nor 1") }
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
            throw LeaseRecord.FormatError("it has a text that is none")
        }
        return string
    }
}
