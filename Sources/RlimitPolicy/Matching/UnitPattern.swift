/// A pattern for system units, matched by cgroup: `/system.slice/nginx.service`, in any slices, and everything below.
package struct UnitPattern: Hashable, Sendable {
    package let name: TextPattern

    package init(_ name: String) { self.name = TextPattern(name) }

    /// Matches one or more slices followed by the unit. Does not match below /user.slice, where users name units
    /// themselves.
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
