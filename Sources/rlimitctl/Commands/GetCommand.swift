import ArgumentParser
import RlimitClient

/// `rlimitctl get`: what a process may have, and how much of it is taken now.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show the limits of a process, and what is used of them.",
        discussion: """
            Of a cgroup or pod: with resources, a line for each process; without, how many processes have which \
            limits. The agent alone is asked.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Argument(
        help: "Which resources; all sixteen where none is named.",
        completion: .list(Resource.allCases.map(\.name)))
    var resource: [String] = []

    func validate() throws { try cgroup.requireAlone(process) }

    func run() throws {
        let resources = try EditArguments.resources(resource)
        if let cgroup = cgroup.selected { return try show(resources, in: cgroup) }
        let selected = try SelectedProcess(process)
        let client = global.client(agentOnly: agent.only)
        let limits: Limits
        do throws(RlimitError) {
            limits = try client.limits(of: selected.target)
        } catch {
            throw Refusal(error, .get, client, selected.targetInfo).failure
        }
        // What is used is worth having and not worth failing for: /proc may be hidden, or a rule may give limits alone.
        let usage = try? client.usage(of: selected.target)
        if global.json {
            try Output.print(json(resources, limits, usage, selected.members))
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
                resource.unitWord,
            ])
        }
        return table.text
    }

    private func json(
        _ resources: [Resource], _ limits: Limits, _ usage: Usage?, _ process: [(String, JSON)]
    ) -> JSON {
        let members = resources.map { resource in
            let limit = limits[resource]
            let entry = JSON.object([
                ("soft", .bound(limit.soft)), ("hard", .bound(limit.hard)), ("used", .optional(usage?[resource])),
                ("unit", .string(resource.unit.word)),
            ])
            return (resource.name, entry)
        }
        return .object(process + [("limits", .object(members))])
    }
}

extension GetCommand {
    /// `get --cgroup`: with resources a line for each process, without any how the limits are spread.
    func show(_ resources: [Resource], in cgroup: Cgroup) throws {
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.limits(ResourceSet(resources), in: cgroup))
        if global.json {
            try Output.print(report.json(self.cgroup, as: "limits") { json($0, of: resources) })
        } else if !report.successes.isEmpty {
            try Output.print(resource.isEmpty ? distribution(report) : table(report, resources))
        }
        try report.finish("shown")
    }

    private func table(_ report: CgroupReport<Limits>, _ resources: [Resource]) -> String {
        var table = TextTable(
            [("PID", .right), ("COMMAND", .left)] + resources.map { ($0.name.uppercased(), .right) })
        for (entry, limits) in report.successes {
            table.append(
                [entry.pid.map(String.init) ?? "-", entry.command ?? "-"]
                    + resources.map { $0.formatted(limits[$0]) })
        }
        return table.text
    }

    // Thousands of processes mostly have the same limits: how many have which, the most common first.
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
                    String(count), resource.unitWord,
                ])
            }
        }
        return table.text
    }

    private func json(_ limits: Limits, of resources: [Resource]) -> JSON {
        .object(
            resources.map { resource in
                let limit = limits[resource]
                return (
                    resource.name,
                    .object([
                        ("soft", .bound(limit.soft)), ("hard", .bound(limit.hard)),
                        ("unit", .string(resource.unit.word)),
                    ])
                )
            })
    }
}
