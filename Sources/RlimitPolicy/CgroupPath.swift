// What a path as /proc/PID/cgroup has it says, and when it says nothing.

enum CgroupPath {
    /// Not the root, not outside the agent's cgroup namespace, not removed meanwhile.
    static func namesSomething(_ path: String) -> Bool {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count > 1, !path.hasSuffix(" (deleted)") else {
            return false
        }
        for component in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if component.isEmpty || component == "." || component == ".." { return false }
        }
        return true
    }

    /// Whether it is where users make cgroups of their own.
    static func isUsers(_ path: String) -> Bool { isAtOrBelow(path, "/user.slice") }

    /// The path of the pod that a process in `path` belongs to, or nil if that is no pod.
    ///
    /// The kubelet names pods `pod<uid>`, or with systemd's driver `...-pod<uid>.slice`, below one of the roots.
    static func pod(of path: String, below roots: [String]) -> Substring? {
        guard namesSomething(path), let root = roots.first(where: { isAtOrBelow(path, $0) }) else { return nil }
        var end = path.utf8.index(path.startIndex, offsetBy: root.utf8.count)
        while end < path.endIndex {
            let start = path.utf8.index(after: end)
            end = path.utf8[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
            if isPod(path[start..<end]) { return path[..<end] }
        }
        return nil
    }

    private static func isPod(_ component: Substring) -> Bool {
        if component.hasPrefix("pod") { return component.utf8.count > 3 }
        guard component.hasSuffix(".slice"), let mark = range(of: "-pod", in: component) else { return false }
        return mark < component.utf8.index(component.endIndex, offsetBy: -".slice".utf8.count)
    }

    // Where the needle ends.
    private static func range(of needle: String, in text: Substring) -> Substring.Index? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(needle) { return text.utf8.index(start, offsetBy: needle.utf8.count) }
            start = text.utf8.index(after: start)
        }
        return nil
    }

    /// Whether a path is that of a cgroup, or of one within it.
    static func isAtOrBelow(_ path: String, _ root: String) -> Bool {
        guard path.hasPrefix(root) else { return false }
        return path.utf8.dropFirst(root.utf8.count).first.map { $0 == UInt8(ascii: "/") } ?? true
    }
}
