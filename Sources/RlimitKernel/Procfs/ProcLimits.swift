internal import Glibc
package import RlimitModel

/// Parses /proc/PID/limits. Every user may read it for all processes, unless /proc is mounted with hidepid.
package struct ProcLimits: Sendable {
    private var limits = Limits()
    private var seen = ResourceSet.none

    package init() {}

    /// All sixteen limits. nil if a line is missing.
    package var complete: Limits? { seen == .all ? limits : nil }

    /// Parses one line: a name in 26 columns, then the soft and the hard limit. Ignores lines that it does not know.
    package mutating func parse(_ line: Span<UInt8>) {
        guard line.count > 26, let resource = resource(line) else { return }
        var position = 26
        guard let soft = Self.bound(line, &position), let hard = Self.bound(line, &position) else { return }
        limits[resource] = Limit(soft: soft, hard: hard)
        seen.insert(resource)
    }

    // The lines have the order of the resources, after one with headings. In any other order they are found by name.
    private func resource(_ line: Span<UInt8>) -> Resource? {
        if let next = Resource(index: seen.count), line.starts(with: Self.label(next)) { return next }
        return Resource.allCases.first { line.starts(with: Self.label($0)) }
    }

    private static func label(_ resource: Resource) -> StaticString {
        switch resource {
        case .cpuTime: "Max cpu time "
        case .fileSize: "Max file size "
        case .dataSize: "Max data size "
        case .stackSize: "Max stack size "
        case .coreFileSize: "Max core file size "
        case .residentSetSize: "Max resident set "
        case .processes: "Max processes "
        case .openFiles: "Max open files "
        case .lockedMemory: "Max locked memory "
        case .addressSpace: "Max address space "
        case .fileLocks: "Max file locks "
        case .pendingSignals: "Max pending signals "
        case .messageQueueBytes: "Max msgqueue size "
        case .nice: "Max nice priority "
        case .realtimePriority: "Max realtime priority "
        case .realtimeTimeout: "Max realtime timeout "
        }
    }

    private static func bound(_ line: Span<UInt8>, _ position: inout Int) -> Limit.Bound? {
        if let number = line.number(at: &position) { return Limit.Bound(rawValue: number) }
        // `position` is at the first character of the word.
        let word: StaticString = "unlimited"
        guard line.extracting(position..<line.count).starts(with: word) else { return nil }
        position += word.utf8CodeUnitCount
        return .infinity
    }
}

extension ProcessLimits {
    /// Reads the limits of a process from /proc/PID/limits.
    package static func readFromProc(of pid: Int32) throws(SystemError) -> Limits {
        try readFromProc(ProcFile(ProcPath(pid, "limits")))
    }

    static func readFromProc(_ file: consuming ProcFile) throws(SystemError) -> Limits {
        var parser = ProcLimits()
        try file.forEachLine { line in
            parser.parse(line)
            return parser.complete == nil
        }
        guard let limits = parser.complete else { throw SystemError(number: EBADMSG, call: "read /proc/PID/limits") }
        return limits
    }
}
