/// A pattern for cgroup paths, anchored at both ends: `*` matches within one component, `**` as the last component
/// matches everything below.
package struct CgroupPattern: Hashable, Sendable {
    package let text: String
    // The text without a final "**", so that it then ends in a slash.
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

    /// Why a text is not a pattern.
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
