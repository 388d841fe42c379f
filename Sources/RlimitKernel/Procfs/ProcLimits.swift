internal import Glibc
package import RlimitModel

/// What /proc/PID/limits says, which everyone may read of everyone where /proc is not mounted otherwise.
package struct ProcLimits: Sendable {
    private var limits = Limits()
    private var seen = ResourceSet.none

    package init() {}

    /// All sixteen; nil where a line was missing.
    package var complete: Limits? { seen == .all ? limits : nil }

    /// Takes a line in: a name in a column of 26, then soft and hard. Whatever is not understood is left out.
    package mutating func parse(_ line: Span<UInt8>) {
        guard line.count > 26, let resource = resource(line) else { return }
        var position = 26
        guard let soft = Self.bound(line, &position), let hard = Self.bound(line, &position) else { return }
        limits[resource] = Limit(soft: soft, hard: hard)
        seen.insert(resource)
    }

    // The lines come in the order of the resources, below one of headings; should that ever change, they are found all the same.
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
        // `position` stands at what is no number.
        let word: StaticString = "unlimited"
        guard line.extracting(position..<line.count).starts(with: word) else { return nil }
        position += word.utf8CodeUnitCount
        return .infinity
    }
}

extension ProcessLimits {
    /// The limits of a process as /proc/PID/limits shows them.
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
