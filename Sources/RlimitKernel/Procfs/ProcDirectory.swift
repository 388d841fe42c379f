internal import CRlimitLinux
internal import Glibc

/// A /proc directory with numbers as names, read a few entries at a time. The kernel creates entries on demand, so
/// reading a thousand in one call takes more than a millisecond. getdents64(2).
package struct ProcDirectory: ~Copyable {
    private let directory: FileDescriptor
    // Room for about thirty entries.
    private var entries = InlineArray<1024, UInt8>(repeating: 0)
    private var filled = 0
    private var position = 0

    package init(_ path: ProcPath) throws(SystemError) { directory = try path.open() }

    /// The next entry with a number as its name. nil at the end.
    package mutating func next() throws(SystemError) -> Int32? {
        while true {
            if position == filled {
                guard try fill() else { return nil }
            }
            guard let entry = nextEntry() else { throw SystemError(number: EIO, call: "getdents64") }
            if let number = number(named: entry) { return number }
        }
    }

    private mutating func fill() throws(SystemError) -> Bool {
        let number = directory.number
        var span = entries.mutableSpan
        filled = try unsafe span.withUnsafeMutableBytes { bytes throws(SystemError) in
            try SystemCall.value("getdents64") { unsafe rl_directory_read(number, bytes.baseAddress, bytes.count) }
        }
        position = 0
        return filled > 0
    }

    // The range from the name of the next entry to the end of that entry.
    private mutating func nextEntry() -> Range<Int>? {
        let name = position + RL_ENTRY_NAME_OFFSET
        guard name <= filled else { return nil }
        let length = position + RL_ENTRY_LENGTH_OFFSET
        let end = position + Int(entries[length]) + Int(entries[length + 1]) << 8
        guard end >= name, end <= filled else { return nil }
        position = end
        return name..<end
    }

    private func number(named name: Range<Int>) -> Int32? {
        var value: Int32 = 0
        for index in name {
            if entries[index] == 0 { return index > name.lowerBound ? value : nil }
            let digit = Int32(entries[index]) - 0x30
            guard digit >= 0, digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(digit)
            guard !overflow, !carried else { return nil }
            value = sum
        }
        return nil
    }
}
