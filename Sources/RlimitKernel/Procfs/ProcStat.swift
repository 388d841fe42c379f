internal import Glibc

/// The content of /proc/PID/stat, for a process or a thread.
package struct ProcStat: Equatable, Sendable {
    package var state: UInt8
    package var parent: Int32
    package var flags: UInt64
    package var minorFaults, childMinorFaults, majorFaults, childMajorFaults: UInt64
    /// In clock ticks.
    package var userTime, systemTime, childUserTime, childSystemTime: UInt64
    package var nice: Int64
    /// Since boot, in clock ticks.
    package var startTime: UInt64
    package var realtimePriority: UInt64

    /// PF_KTHREAD: a kernel thread.
    package var isKernelThread: Bool { flags & 0x0020_0000 != 0 }

    /// nil if the text does not have the format of the kernel. The process chooses its name in the second field, which
    /// may contain blanks, brackets and line ends. Parsing starts after the last bracket.
    package init?(parsing text: Span<UInt8>) {
        guard let bracket = text.lastIndex(of: UInt8(ascii: ")")), bracket + 2 < text.count else { return nil }
        state = text[bracket + 2]
        var position = bracket + 3
        // The first one is field 4 of proc(5); field n is at index n - 4.
        var fields = InlineArray<37, Int64>(repeating: 0)
        for index in 0..<37 {
            guard let value = Self.field(text, &position) else { return nil }
            fields[index] = value
        }
        guard let parent = Int32(exactly: fields[0]) else { return nil }
        self.parent = parent
        flags = UInt64(bitPattern: fields[5])
        minorFaults = UInt64(bitPattern: fields[6])
        childMinorFaults = UInt64(bitPattern: fields[7])
        majorFaults = UInt64(bitPattern: fields[8])
        childMajorFaults = UInt64(bitPattern: fields[9])
        userTime = UInt64(bitPattern: fields[10])
        systemTime = UInt64(bitPattern: fields[11])
        childUserTime = UInt64(bitPattern: fields[12])
        childSystemTime = UInt64(bitPattern: fields[13])
        nice = fields[15]
        startTime = UInt64(bitPattern: fields[18])
        realtimePriority = UInt64(bitPattern: fields[36])
    }

    // Unsigned fields up to 2^64 - 1 (rsslim) keep their bit pattern.
    private static func field(_ text: Span<UInt8>, _ position: inout Int) -> Int64? {
        var unsigned = position
        if let value = text.number(at: &unsigned) {
            position = unsigned
            return Int64(bitPattern: value)
        }
        return text.signedNumber(at: &position)
    }
}

extension ProcStat {
    /// Reads /proc/PID/stat.
    package init(of pid: Int32) throws(SystemError) { try self.init(ProcPath(pid, "stat")) }

    init(_ path: ProcPath) throws(SystemError) { try self.init(ProcFile(path)) }

    init(_ file: consuming ProcFile) throws(SystemError) {
        guard let stat = try file.withText({ ProcStat(parsing: $0) }) else {
            throw SystemError(number: EBADMSG, call: "read /proc/PID/stat")
        }
        self = stat
    }
}
