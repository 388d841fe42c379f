/// Checks and takes apart cgroup paths from /proc/PID/cgroup.
///
/// Compares bytes and not characters: a slash followed by a combining accent is one Swift character, so the name of a
/// cgroup could hide a slash.
enum CgroupPath {
    /// How far a path identifies the cgroup of a process.
    enum Kind {
        /// The process is in this cgroup.
        case regular
        /// The root cgroup, which does not tell processes apart.
        case root
        /// A cgroup outside the agent's cgroup namespace, a removed cgroup, or one with a name that looks like either.
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

    /// Whether the path is neither the root, nor outside the agent's cgroup namespace, nor removed.
    static func isRegular(_ path: String) -> Bool { kind(of: path) == .regular }

    /// The components between the slashes; an empty one between two adjacent slashes.
    static func components(of path: String) -> [Substring.UTF8View] {
        path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    /// Whether the path is below /user.slice, where users create cgroups themselves.
    static func isInUserSlice(_ path: String) -> Bool { isAtOrBelow(path, "/user.slice") }

    /// The path of the pod that contains `path`; nil if `path` is not in a pod.
    ///
    /// The kubelet names pods `pod<uid>`, or with systemd's driver `...-pod<uid>.slice`, below one of the roots. The
    /// first such component is the pod, because a container may have created the components below it. Of nested roots
    /// the innermost counts.
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

    // systemd nests slices at the dashes of their names. The kubelet therefore writes the uid without dashes, so the
    // pod's part of the name follows the last dash.
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

    /// Whether a path is `root` or below it.
    static func isAtOrBelow(_ path: String, _ root: String) -> Bool {
        guard path.utf8.starts(with: root.utf8) else { return false }
        return path.utf8.dropFirst(root.utf8.count).first.map { $0 == UInt8(ascii: "/") } ?? true
    }
}
