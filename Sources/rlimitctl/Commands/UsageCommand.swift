import ArgumentParser
import RlimitClient

/// `rlimitctl usage`: what a process has used since it began.
struct UsageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what a process used: the sixteen fields of getrusage(2).",
        discussion: "What the kernel does not show for this process is a dash, and null in JSON.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Flag(help: "Of its children that ended and were waited for.")
    var children = false

    @Flag(help: "Of the process and those children together.")
    var both = false

    @Option(help: ArgumentHelp("Of one of its threads.", valueName: "tid"))
    var thread: Int32?

    func validate() throws {
        if [children, both, thread != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--children, --both and --thread exclude each other.")
        }
        if let thread, thread <= 0 { throw ValidationError("--thread needs the number of a thread, from 1.") }
        try cgroup.requireAlone(process)
        if thread != nil { try cgroup.requireNone("--thread") }
    }

    func run() throws {
        if let cgroup = cgroup.selected { return try show(cgroup) }
        let selected = try SelectedProcess(process)
        let client = global.client(agentOnly: agent.only)
        let usage: Usage
        do throws(RlimitError) {
            usage = try read(client, selected.target)
        } catch {
            throw Refusal(error, .usage, client, selected.targetInfo).failure
        }
        if global.json {
            let fields = usage.fields.map { ($0.key, $0.value.json) }
            try Output.print(
                .object(
                    selected.members + [
                        ("scope", .string(scopeWord)), ("thread", thread.map { .integer(Int($0)) } ?? .null),
                        ("isPartial", .bool(usage.isPartial)), ("usage", .object(fields)),
                    ]))
        } else {
            var table = TextTable([("FIELD", .left), ("USED", .right), ("DESCRIPTION", .left)])
            for field in usage.fields { table.append([field.name, field.value.text, field.summary]) }
            try Output.print(table.text)
            if usage.isPartial { Output.note("context switches lack those of threads that have ended") }
        }
    }

    private func read(_ client: BlockingLimitClient, _ target: Target) throws(RlimitError) -> Usage {
        if let thread { return try client.usage(ofThread: thread, in: target) }
        return try client.usage(of: target, scope)
    }

    var scope: Usage.Scope { children ? .children : both ? .processAndChildren : .process }

    var scopeWord: String { thread != nil ? "thread" : children ? "children" : both ? "both" : "process" }
}

extension UsageCommand {
    /// `usage --cgroup`: a line for each process.
    func show(_ cgroup: Cgroup) throws {
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.usage(in: cgroup, scope))
        if global.json {
            try Output.print(
                report.json(self.cgroup, [("scope", .string(scopeWord))], as: "usage") { usage in
                    let fields = usage.fields.map { ($0.key, $0.value.json) }
                    return .object(fields + [("isPartial", .bool(usage.isPartial))])
                })
        } else if !report.successes.isEmpty {
            try Output.print(table(report))
        }
        if report.successes.contains(where: \.value.isPartial) {
            Output.note("context switches lack those of threads that have ended")
        }
        try report.finish("shown")
    }

    // Without the fields that are 0 on Linux, so that a line fits a screen; JSON has all.
    private func table(_ report: CgroupReport<Usage>) -> String {
        let shown = ["utime", "stime", "maxrss", "minflt", "majflt", "nvcsw", "nivcsw"]
        var table = TextTable(
            [("PID", .right), ("COMMAND", .left)] + shown.map { ($0.uppercased(), .right) })
        for (entry, usage) in report.successes {
            let fields = usage.fields.filter { shown.contains($0.name) }
            table.append([entry.pid.map(String.init) ?? "-", entry.command ?? "-"] + fields.map(\.value.text))
        }
        return table.text
    }
}
