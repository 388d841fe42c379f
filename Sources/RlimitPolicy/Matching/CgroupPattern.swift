/// Cgroups by their path from the root: anchored at both ends, `*` within one component, `**` as the last component for
/// everything below.
package struct CgroupPattern: Hashable, Sendable {
    package let text: String
    // Without the stars of a last "**", which leaves it ending in a slash.
    private let pattern: String
    private let matchesDescendants: Bool

    package init(_ text: String) throws(Malformed) {
        guard text.utf8.first == UInt8(ascii: "/") else { throw .relative }
        guard text.utf8.count > 1 else { throw .root }
        var components = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let matchesDescendants = components.last == "**"
        if matchesDescendants { components.removeLast() }
        for component in components {
            if component.isEmpty { throw .emptyComponent }
            if component == "." || component == ".." { throw .dots }
            if component.contains("**") { throw .starsNotLast }
        }
        self.text = text
        self.matchesDescendants = matchesDescendants
        pattern = matchesDescendants ? String(text.dropLast(2)) : text
    }

    /// Why a text is no pattern.
    package enum Malformed: Error {
        case relative, root, emptyComponent, dots, starsNotLast
    }

    package func matches(_ path: String) -> Bool {
        guard CgroupPath.isRegular(path) else { return false }
        switch TextPattern.match(pattern.utf8, path.utf8, allowsPrefix: matchesDescendants) {
        case .none: return false
        case .whole: return !matchesDescendants
        case .beginning: return true
        }
    }
}

/// System units by their cgroup: `/system.slice/nginx.service`, in whatever slices, and everything below.
package struct UnitPattern: Hashable, Sendable {
    package let name: TextPattern

    package init(_ name: String) { self.name = TextPattern(name) }

    /// Slices, and then the unit. Not below /user.slice, where users name units themselves.
    package func matches(_ path: String) -> Bool {
        guard CgroupPath.isRegular(path), !CgroupPath.isInUserSlice(path) else { return false }
        var slices = 0
        for component in CgroupPath.components(of: path) {
            guard CgroupPath.ends(component, in: ".slice") else {
                return slices > 0 && name.matches(Substring(component))
            }
            slices += 1
        }
        return false
    }
}
