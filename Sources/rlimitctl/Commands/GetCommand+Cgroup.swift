import RlimitClient

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
