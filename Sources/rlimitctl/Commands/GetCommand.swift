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
