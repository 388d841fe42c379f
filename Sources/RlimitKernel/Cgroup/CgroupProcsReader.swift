internal import CRlimitLinux

/// Reads the pids of a file `cgroup.procs` on demand, because there may be many.
final class CgroupProcsReader {
    private let file: FileDescriptor
    private var buffer = InlineArray<4096, UInt8>(repeating: 0)
    private var filled = 0
    private var position = 0

    init(_ file: consuming FileDescriptor) { self.file = file }

    /// The next pid. Skips processes without a pid in this PID namespace. nil at the end.
    func next() throws(SystemError) -> Int32? {
        var number: Int64 = 0
        while let byte = try nextByte() {
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                number = min(number * 10 + Int64(byte - UInt8(ascii: "0")), Int64(Int32.max))
            } else {
                if number > 0 { return Int32(number) }
                number = 0
            }
        }
        return number > 0 ? Int32(number) : nil
    }

    private func nextByte() throws(SystemError) -> UInt8? {
        if position == filled {
            position = 0
            filled = 0
            let number = file.number
            var span = buffer.mutableSpan
            filled = try SystemCall.value("read") {
                unsafe span.withUnsafeMutableBytes { unsafe rl_read(number, $0.baseAddress, $0.count) }
            }
            guard filled > 0 else { return nil }
        }
        defer { position += 1 }
        return buffer[position]
    }
}
