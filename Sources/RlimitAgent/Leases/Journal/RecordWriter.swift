/// Writes numbers and strings one after another: numbers in little-endian order, strings after a 16-bit length.
struct RecordWriter {
    private(set) var bytes: [UInt8]
    /// Whether the length of every string fitted into 16 bits.
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
