package import RlimitKernel

/// The credentials and capabilities of a thread, parsed from its /proc status file.
package struct PrivilegeState: Hashable, Sendable {
    /// Real, effective, saved and file system ids.
    package var uids: [UInt32] = []
    package var gids: [UInt32] = []
    package var groups: [UInt32] = []
    package var inheritable: UInt64 = 0
    package var permitted: UInt64 = 0
    package var effective: UInt64 = 0
    package var bounding: UInt64 = 0
    package var ambient: UInt64 = 0
    package var hasNoNewPrivileges = false
    private var seen: UInt16 = 0

    package init() {}

    /// Whether all nine lines were parsed. A line that is missing was not checked.
    package var isComplete: Bool { seen == (1 << 9) - 1 && uids.count == 4 && gids.count == 4 }

    /// Parses one line. Ignores lines that it does not know.
    package mutating func parse(_ line: Span<UInt8>) {
        if let ids = Self.list(line, after: "Uid:") {
            (uids, seen) = (ids, seen | 1)
        } else if let ids = Self.list(line, after: "Gid:") {
            (gids, seen) = (ids, seen | 1 << 1)
        } else if let ids = Self.list(line, after: "Groups:") {
            (groups, seen) = (ids, seen | 1 << 2)
        } else if let set = Self.number(line, after: "CapInh:", base: 16) {
            (inheritable, seen) = (set, seen | 1 << 3)
        } else if let set = Self.number(line, after: "CapPrm:", base: 16) {
            (permitted, seen) = (set, seen | 1 << 4)
        } else if let set = Self.number(line, after: "CapEff:", base: 16) {
            (effective, seen) = (set, seen | 1 << 5)
        } else if let set = Self.number(line, after: "CapBnd:", base: 16) {
            (bounding, seen) = (set, seen | 1 << 6)
        } else if let set = Self.number(line, after: "CapAmb:", base: 16) {
            (ambient, seen) = (set, seen | 1 << 7)
        } else if let flag = Self.number(line, after: "NoNewPrivs:", base: 10) {
            (hasNoNewPrivileges, seen) = (flag == 1, seen | 1 << 8)
        }
    }

    private static func list(_ line: Span<UInt8>, after key: StaticString) -> [UInt32]? {
        guard line.starts(with: key) else { return nil }
        var position = key.utf8CodeUnitCount
        var ids: [UInt32] = []
        while let id = line.number(at: &position) {
            guard let id = UInt32(exactly: id) else { return nil }
            ids.append(id)
        }
        return ids
    }

    private static func number(_ line: Span<UInt8>, after key: StaticString, base: UInt64) -> UInt64? {
        guard line.starts(with: key) else { return nil }
        var position = key.utf8CodeUnitCount
        return line.number(at: &position, base: base)
    }
}

extension PrivilegeState {
    /// Reads the state of every thread of this process. The kernel keeps privileges for each thread.
    static func ofAllThreads() throws(SystemError) -> [PrivilegeState] {
        let pid = OwnProcess.pid
        var tasks = try ProcDirectory(ProcPath(pid, "task"))
        var states: [PrivilegeState] = []
        while let thread = try tasks.next() {
            states.append(try PrivilegeState(ProcPath(pid, thread: thread, "status")))
        }
        return states
    }

    /// Reads the state of the calling thread.
    package static func now() throws(SystemError) -> PrivilegeState {
        try PrivilegeState(ProcPath("/proc/thread-self/status"))
    }

    private init(_ path: ProcPath) throws(SystemError) {
        var state = PrivilegeState()
        var file = try ProcFile(path)
        try file.forEachLine { line in
            state.parse(line)
            return true
        }
        self = state
    }
}
