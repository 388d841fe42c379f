/// Processes that are never changed, whatever the rules; beside the agent, pid 1 and the kernel's own threads.
package struct Protection: Hashable, Sendable {
    package var users: IDSet
    package var cgroups: [CgroupPattern]
    package var units: [UnitPattern]

    package init(users: IDSet = IDSet(), cgroups: [CgroupPattern] = [], units: [UnitPattern] = []) {
        self.users = users
        self.cgroups = cgroups
        self.units = units
    }

    var namesCgroups: Bool { !cgroups.isEmpty || !units.isEmpty }

    // A path that says nothing may hide one of these.
    func covers(cgroup path: String) -> Bool {
        CgroupPath.kind(of: path) == .invalid || cgroups.contains { $0.matches(path) }
            || units.contains { $0.matches(path) }
    }
}
