/// Numbers as protobuf has them: seven bits a byte, the lowest first, in as few bytes as it needs.
enum Varint {
    /// Writes a field with a number, where there is room for the tag and ten bytes.
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

    /// How many bytes a number takes.
    static func length(of number: UInt64) -> Int { max(1, (64 - number.leadingZeroBitCount + 6) / 7) }
}
