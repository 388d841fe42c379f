/// Protobuf varints: seven bits per byte, the lowest first, in the shortest form.
enum Varint {
    /// Writes a field with a number. The space must have room for the tag and ten bytes.
    @inline(__always)
    static func write(_ number: UInt64, tag: UInt8, to space: UnsafeMutableRawBufferPointer, at end: inout Int) {
        unsafe space[end] = tag
        end += 1
        var left = number
        while left >= 0x80 {
            unsafe space[end] = UInt8(truncatingIfNeeded: left) | 0x80
            left >>= 7
            end += 1
        }
        unsafe space[end] = UInt8(truncatingIfNeeded: left)
        end += 1
    }

    /// The encoded size of a number in bytes.
    static func length(of number: UInt64) -> Int { max(1, (64 - number.leadingZeroBitCount + 6) / 7) }
}
