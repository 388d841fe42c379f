import ArgumentParser
import RlimitClient

/// `rlimitctl status`: whether the agent answers, what it can do, and who the caller is to it.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether the agent answers, what it can do, and who you are to it.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let info: AgentInfo
        do {
            info = try global.client(agentOnly: true).agentInfo()
        } catch let error as RlimitError {
            var failure = Failure(error)
            failure.isAnswer = ("reachable", .bool(false))
            throw failure
        }
        try Output.print(global.json ? json(info).text + "\n" : table(info))
    }

    private func table(_ info: AgentInfo) -> String {
        let caller = info.caller
        var table = TextTable(alignments: [.left, .left])
        table.append(["agent", "reachable at \(global.socketPath.forTerminal)"])
        table.append(["version", info.version.forTerminal])
        table.append(["kernel", info.kernel.forTerminal])
        table.append(["policy", info.policy.forTerminal])
        table.append(["can raise", info.canRaise ? "yes" : "no: it lacks CAP_SYS_RESOURCE where that counts"])
        table.append(["open files", "at most \(info.openFilesCeiling) (fs.nr_open)"])
        if !info.features.isEmpty { table.append(["features", info.features.joined(separator: " ").forTerminal]) }
        table.append(["you are", identity(caller)])
        table.append(["process", process(caller)])
        if let cgroup = caller.cgroup { table.append(["cgroup", cgroup.forTerminal]) }
        if let label = caller.label { table.append(["label", label.forTerminal]) }
        if caller.hasMixedIDs { table.append(["", "your user and group ids differ among themselves: you get nothing but this"]) }
        return table.text
    }
}
