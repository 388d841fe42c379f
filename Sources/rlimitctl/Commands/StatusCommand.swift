import ArgumentParser
import RlimitClient

/// `rlimitctl status`: shows whether the agent answers, what it can do, and how it sees the caller.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether the agent answers, what it can do, and how it sees you.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let info: AgentInfo
        do throws(RlimitError) {
            info = try global.client(agentOnly: true).agentInfo()
        } catch {
            var failure = Failure(error)
            failure.context = [("reachable", .bool(false)), ("socket", .string(global.agentSocket.path))]
            throw failure
        }
        try Output.print(global.json ? json(info).text + "\n" : table(info))
    }

    private func table(_ info: AgentInfo) -> String {
        let caller = info.caller
        var table = TextTable(alignments: [.left, .left])
        table.append(["agent", "reachable at \(global.agentSocket.path.forTerminal)"])
        table.append(["version", info.version.forTerminal])
        table.append(["kernel", info.kernel.forTerminal])
        table.append(["policy", policy(info)])
        for warning in info.warnings { table.append(["warning", warning.forTerminal]) }
        table.append([
            "can raise", info.canRaise ? "yes" : "no: it lacks CAP_SYS_RESOURCE in the initial user namespace",
        ])
        table.append(["open files", "at most \(info.openFilesCeiling) (fs.nr_open)"])
        if !info.features.isEmpty { table.append(["features", info.features.joined(separator: " ").forTerminal]) }
        table.append(["you are", identity(caller)])
        table.append(["process", process(caller)])
        if let cgroup = caller.cgroup { table.append(["cgroup", cgroup.forTerminal]) }
        if let label = caller.label { table.append(["label", label.forTerminal]) }
        if caller.hasMixedIDs {
            // The agent reports the depth of the PID namespace only together with the ids.
            let ids = "your real, effective and saved ids"
            let reason = caller.namespaceDepth == nil ? "the agent does not know \(ids)" : "\(ids) differ"
            table.append(["", "\(reason): the agent answers nothing but this status"])
        }
        return table.text
    }

    // "3 rules, generation 2, /etc/rlimitd/policy.toml".
    private func policy(_ info: AgentInfo) -> String {
        let parts = [info.policy, info.policyGeneration.map { "generation \($0)" }, info.policyPath]
        return parts.compactMap { $0?.forTerminal }.joined(separator: ", ")
    }

    private func identity(_ caller: AgentInfo.Caller) -> String {
        let groups = caller.groups.map(String.init).joined(separator: ",")
        return "uid \(caller.uid), gid \(caller.gid)" + (groups.isEmpty ? "" : ", groups \(groups)")
    }

    private func process(_ caller: AgentInfo.Caller) -> String {
        guard let pid = caller.pid else { return "in a PID namespace that the agent cannot see" }
        let depth =
            switch caller.namespaceDepth {
            case 1?: "in the agent's own PID namespace"
            case let depth?: "\(depth - 1) PID namespaces below the agent's"
            case nil: "in an unknown PID namespace"
            }
        return "pid \(pid), \(depth)"
            + (caller.isPinned ? "" : "; this kernel does not confirm the pid (Linux 6.5 does)")
    }

    private func json(_ info: AgentInfo) -> JSON {
        let caller = info.caller
        return .object([
            ("reachable", .bool(true)),
            ("socket", .string(global.agentSocket.path)),
            ("version", .string(info.version)),
            ("kernel", .string(info.kernel)),
            ("policy", .string(info.policy)),
            ("policyGeneration", info.policyGeneration.map(JSON.number) ?? .null),
            ("policyPath", .optional(info.policyPath)),
            ("warnings", .array(info.warnings.map(JSON.string))),
            ("canRaise", .bool(info.canRaise)),
            ("openFilesCeiling", .number(info.openFilesCeiling)),
            ("features", .array(info.features.map(JSON.string))),
            (
                "caller",
                .object([
                    ("pid", caller.pid.map { .integer(Int($0)) } ?? .null),
                    ("uid", .integer(Int(caller.uid))),
                    ("gid", .integer(Int(caller.gid))),
                    ("groups", .array(caller.groups.map { .integer(Int($0)) })),
                    ("isPinned", .bool(caller.isPinned)),
                    ("namespaceDepth", caller.namespaceDepth.map(JSON.integer) ?? .null),
                    ("cgroup", .optional(caller.cgroup)),
                    ("label", .optional(caller.label)),
                    ("hasMixedIDs", .bool(caller.hasMixedIDs)),
                    ("mayAttachPidfd", caller.mayAttachPidfd.map(JSON.bool) ?? .null),
                ])
            ),
        ])
    }
}
