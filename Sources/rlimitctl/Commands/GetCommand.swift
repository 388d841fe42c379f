import ArgumentParser
import RlimitClient

/// `rlimitctl get`: shows limits and the current usage of each resource.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show the limits of a process, and how much of each is used.",
        discussion: """
            With --cgroup or --pod and with resources, shows one line for each process. Without resources, shows how \
            many processes have which limits. These requests always go to the agent.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Argument(
        help: "The resources to show. Default: all sixteen.",
        completion: .list(Resource.allCases.map(\.name)))
    var resource: [String] = []

    func validate() throws { try cgroup.requireAlone(process) }

    func run() throws {
        let resources = try EditArguments.resources(resource)
        if let cgroup = cgroup.selected {
            try show(resources, in: cgroup)
        } else {
            try show(resources, of: SelectedProcess(process))
        }
    }

    // MARK: - One process

    private func show(_ resources: [Resource], of selected: borrowing SelectedProcess) throws {
        let client = global.client(agentOnly: agent.only)
        let limits: Limits
        do throws(RlimitError) {
            limits = try client.limits(of: selected.target)
        } catch {
            throw Refusal(error, .get, client, selected.targetInfo).failure
        }
        // Usage is optional: /proc may be hidden, or a rule may grant "get" and not "usage".
        let usage = try? client.usage(of: selected.target)
        if global.json {
            let members = resources.map { ($0.name, JSON.limit(limits[$0], of: $0, used: usage?[$0])) }
            try Output.print(.object(selected.label.members + [("limits", .object(members))]))
        } else {
            try Output.print(table(resources, limits, usage))
        }
    }

    private func table(_ resources: [Resource], _ limits: Limits, _ usage: Usage?) -> String {
        var table = TextTable([
            ("RESOURCE", .left), ("DESCRIPTION", .left), ("SOFT", .right), ("HARD", .right), ("USED", .right),
            ("UNITS", .left),
        ])
        for resource in resources {
            let limit = limits[resource]
            let used = usage?[resource].map { resource.formatted(Limit.Bound($0)) } ?? "-"
            table.append([
                resource.name, resource.summary, resource.formatted(limit.soft), resource.formatted(limit.hard), used,
                resource.unitName,
            ])
        }
        return table.text
    }

    // MARK: - A cgroup or pod

    private func show(_ resources: [Resource], in cgroup: Cgroup) throws {
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.limits(ResourceSet(resources), in: cgroup))
        if global.json {
            try Output.print(
                report.json(self.cgroup, as: "limits") { limits in
                    .object(resources.map { ($0.name, JSON.limit(limits[$0], of: $0)) })
                })
        } else if !report.successes.isEmpty {
            try Output.print(resource.isEmpty ? distribution(report) : table(report, resources))
        }
        try report.finish("shown")
    }

    private func table(_ report: CgroupReport<Limits>, _ resources: [Resource]) -> String {
        var table = TextTable(
            [("PID", .right), ("COMMAND", .left)] + resources.map { ($0.name.uppercased(), .right) })
        for (process, limits) in report.successes {
            table.append(process.cells + resources.map { $0.formatted(limits[$0]) })
        }
        return table.text
    }

    // A cgroup can have thousands of processes, most of them with the same limits. Counts the processes with each pair
    // of limits, the most common first.
    private func distribution(_ report: CgroupReport<Limits>) -> String {
        var table = TextTable([
            ("RESOURCE", .left), ("DESCRIPTION", .left), ("SOFT", .right), ("HARD", .right), ("PROCESSES", .right),
            ("UNITS", .left),
        ])
        for resource in Resource.allCases {
            var counts: [Limit: Int] = [:]
            for (_, limits) in report.successes { counts[limits[resource], default: 0] += 1 }
            let distribution = counts.sorted { left, right in
                (right.value, left.key.soft, left.key.hard) < (left.value, right.key.soft, right.key.hard)
            }
            for (limit, count) in distribution {
                table.append([
                    resource.name, resource.summary, resource.formatted(limit.soft), resource.formatted(limit.hard),
                    String(count), resource.unitName,
                ])
            }
        }
        return table.text
    }
}
