/// Processes that no rule can change, in addition to the agent, process 1 and kernel threads.
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

    // An invalid path may belong to a protected cgroup.
    func covers(cgroup path: String) -> Bool {
        CgroupPath.kind(of: path) == .invalid || cgroups.contains { $0.matches(path) }
            || units.contains { $0.matches(path) }
    }
}
