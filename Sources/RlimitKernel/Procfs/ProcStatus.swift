package import RlimitModel

/// The content of /proc/PID/status, parsed line by line. Each field is nil until its line was parsed.
package struct ProcStatus: Sendable {
    package var threadGroup: Int32?
    package var credentials: Credentials?
    /// The number of PID namespaces from the reader's to the process's own, both included.
    package var namespaceDepth: Int?
    package var threads: UInt64?
    package var permittedCapabilities: UInt64?
    package var isKernelThread: Bool?
    package var queuedSignals: UInt64?
    package var voluntarySwitches: UInt64?
    package var involuntarySwitches: UInt64?
    /// In bytes. nil for kernel threads.
    package var addressSpace, peakResident, resident, locked, data, stack: UInt64?
    private var userIDs: (real: UInt32, effective: UInt32, saved: UInt32)?

    package init() {}

    /// Parses one line. Ignores lines that it does not know.
    package mutating func parse(_ line: Span<UInt8>) {
        // The first letter excludes most of the other lines.
        guard line.count > 0, Self.firstLetters.contains(line[0]), let colon = line.firstColon else { return }
        var position = colon + 1
        if line.starts(with: "Tgid:") {
            threadGroup = line.number(at: &position).flatMap { Int32(exactly: $0) }
        } else if line.starts(with: "Uid:") {
            userIDs = Self.ids(line, &position)
        } else if line.starts(with: "Gid:") {
            guard let user = userIDs, let group = Self.ids(line, &position) else { return }
            credentials = Credentials(
                realUID: user.real, effectiveUID: user.effective, savedUID: user.saved, realGID: group.real,
                effectiveGID: group.effective, savedGID: group.saved)
        } else if line.starts(with: "NSpid:") {
            var depth = 0
            while line.number(at: &position) != nil { depth += 1 }
            namespaceDepth = depth > 0 ? depth : nil
        } else if line.starts(with: "Threads:") {
            threads = line.number(at: &position)
        } else if line.starts(with: "SigQ:") {
            queuedSignals = line.number(at: &position)
        } else if line.starts(with: "CapPrm:") {
            permittedCapabilities = line.number(at: &position, base: 16)
        } else if line.starts(with: "Kthread:") {
            isKernelThread = line.number(at: &position).map { $0 != 0 }
        } else if line.starts(with: "voluntary_ctxt_switches:") {
            voluntarySwitches = line.number(at: &position)
        } else if line.starts(with: "nonvoluntary_ctxt_switches:") {
            involuntarySwitches = line.number(at: &position)
        } else if line.starts(with: "Vm") {
            parseMemory(line, position)
        }
    }

    private static let firstLetters = LetterSet("TUGNSCKvnV")

    private mutating func parseMemory(_ line: Span<UInt8>, _ start: Int) {
        var position = start
        // "kB" means 1024 bytes here.
        guard let kibibytes = line.number(at: &position), kibibytes <= .max >> 10 else { return }
        let bytes = kibibytes << 10
        if line.starts(with: "VmSize:") {
            addressSpace = bytes
        } else if line.starts(with: "VmHWM:") {
            peakResident = bytes
        } else if line.starts(with: "VmRSS:") {
            resident = bytes
        } else if line.starts(with: "VmLck:") {
            locked = bytes
        } else if line.starts(with: "VmData:") {
            data = bytes
        } else if line.starts(with: "VmStk:") {
            stack = bytes
        }
    }

    // Real, effective and saved ids. The fourth, the file system id, is not relevant to limits.
    private static func ids(
        _ line: Span<UInt8>, _ position: inout Int
    ) -> (real: UInt32, effective: UInt32, saved: UInt32)? {
        guard let real = line.number(at: &position).flatMap({ UInt32(exactly: $0) }),
            let effective = line.number(at: &position).flatMap({ UInt32(exactly: $0) }),
            let saved = line.number(at: &position).flatMap({ UInt32(exactly: $0) })
        else { return nil }
        return (real, effective, saved)
    }
}

extension Span where Element == UInt8 {
    fileprivate var firstColon: Int? {
        for index in indices where self[index] == UInt8(ascii: ":") { return index }
        return nil
    }
}

extension ProcStatus {
    /// Reads /proc/PID/status, until `isEnough` returns true.
    package init(of pid: Int32, until isEnough: (ProcStatus) -> Bool = { _ in false }) throws(SystemError) {
        try self.init(ProcPath(pid, "status"), until: isEnough)
    }

    init(_ path: ProcPath, until isEnough: (ProcStatus) -> Bool = { _ in false }) throws(SystemError) {
        try self.init(ProcFile(path), until: isEnough)
    }

    init(_ file: consuming ProcFile, until isEnough: (ProcStatus) -> Bool) throws(SystemError) {
        var status = ProcStatus()
        try file.forEachLine { line in
            status.parse(line)
            return !isEnough(status)
        }
        self = status
    }
}

/// A set of ASCII characters.
private struct LetterSet {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ letters: StaticString) {
        letters.withUTF8Buffer { bytes in
            for index in bytes.indices {
                let letter = unsafe bytes[index]
                if letter < 64 { low |= 1 << letter } else { high |= 1 << (letter - 64) }
            }
        }
    }

    func contains(_ letter: UInt8) -> Bool {
        letter < 64 ? low >> letter & 1 != 0 : letter < 128 && high >> (letter - 64) & 1 != 0
    }
}
