/// Parses the cgroup of a process from /proc/PID/cgroup.
package struct CgroupPath: Sendable {
    private var unified: String?
    private var systemd: String?

    package init() {}

    /// The path from the root of the hierarchy: of version 2, or if that is the root, of systemd's version 1 hierarchy.
    /// nil if the process is in neither.
    package var path: String? {
        if let unified, unified != "/" { return unified }
        return systemd ?? unified
    }

    /// Parses one line: "hierarchy:controllers:path". The kernel allows no line end in a path.
    package mutating func parse(_ line: Span<UInt8>) {
        if line.starts(with: "0::/") {
            unified = line.string(3..<line.count)
            return
        }
        var position = 0
        guard line.number(at: &position) != nil else { return }
        let rest = line.extracting(position..<line.count)
        let name: StaticString = ":name=systemd:/"
        if rest.starts(with: name) { systemd = rest.string(name.utf8CodeUnitCount - 1..<rest.count) }
    }

    /// Reads /proc/PID/cgroup. The caller checks the identity of the process before and after.
    package static func read(of pid: Int32) throws(SystemError) -> String? {
        var cgroup = CgroupPath()
        var file = try ProcFile(ProcPath(pid, "cgroup"))
        try file.forEachLine { line in
            cgroup.parse(line)
            return true
        }
        return cgroup.path
    }
}
