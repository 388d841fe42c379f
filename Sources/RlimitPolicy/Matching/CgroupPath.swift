// What a path as /proc/PID/cgroup has it says, and when it says nothing.
//
// Byte by byte: to Swift's characters a slash with an accent on it is no slash, and whoever names a cgroup could hide one.

enum CgroupPath {
    /// How much a path tells of where a process is.
    enum Kind {
        /// It is in this cgroup.
        case regular
        /// It is in none: the root says nothing of who is in it.
        case root
        /// Outside the agent's cgroup namespace, or removed meanwhile, or named as if it were.
        case invalid
    }

    static func kind(of path: String) -> Kind {
        let bytes = path.utf8
        guard bytes.first == UInt8(ascii: "/"), !ends(bytes, in: " (deleted)") else { return .invalid }
        if bytes.count == 1 { return .root }
        for component in components(of: path) {
            if component.isEmpty || component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
                return .invalid
            }
        }
        return .regular
    }

    /// Not the root, not outside the agent's cgroup namespace, not removed meanwhile.
    static func isRegular(_ path: String) -> Bool { kind(of: path) == .regular }

    /// Between the slashes; an empty one where two meet.
    static func components(of path: String) -> [Substring.UTF8View] {
        path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    /// Whether it is where users make cgroups of their own.
    static func isInUserSlice(_ path: String) -> Bool { isAtOrBelow(path, "/user.slice") }

    /// The path of the pod that a process in `path` belongs to, or nil if that is no pod.
    ///
    /// The kubelet names pods `pod<uid>`, or with systemd's driver `...-pod<uid>.slice`, below one of the roots. The first
    /// such component is the pod: what is below it a container may have made. Of roots within each other the inner counts.
    static func pod(of path: String, below roots: [String]) -> Substring? {
        guard isRegular(path) else { return nil }
        let around = roots.filter { isAtOrBelow(path, $0) }
        guard let root = around.max(by: { $0.utf8.count < $1.utf8.count }) else { return nil }
        var end = path.utf8.index(path.startIndex, offsetBy: root.utf8.count)
        while end < path.utf8.endIndex {
            let start = path.utf8.index(after: end)
            end = path.utf8[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.utf8.endIndex
            if isPod(path.utf8[start..<end]) { return path[..<end] }
        }
        return nil
    }

    // systemd nests slices by the dashes in their names, so a pod's uid has none there, and is what follows the last.
    private static func isPod(_ component: Substring.UTF8View) -> Bool {
        if component.starts(with: "pod".utf8) { return component.count > 3 && !ends(component, in: ".slice") }
        guard ends(component, in: ".slice") else { return false }
        let name = component.dropLast(".slice".utf8.count)
        guard let dash = name.lastIndex(of: UInt8(ascii: "-")), dash > name.startIndex else { return false }
        let last = name[name.index(after: dash)...]
        return last.starts(with: "pod".utf8) && last.count > 3
    }

    static func ends(_ text: some BidirectionalCollection<UInt8>, in end: String) -> Bool {
        text.suffix(end.utf8.count).elementsEqual(end.utf8)
    }

    /// Whether a path is that of a cgroup, or of one within it.
    static func isAtOrBelow(_ path: String, _ root: String) -> Bool {
        guard path.utf8.starts(with: root.utf8) else { return false }
        return path.utf8.dropFirst(root.utf8.count).first.map { $0 == UInt8(ascii: "/") } ?? true
    }
}
