import ArgumentParser
import RlimitClient

/// `rlimitctl usage`: shows what a process, or each process of a cgroup or pod, used since it started.
struct UsageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what a process used: the sixteen fields of getrusage(2).",
        discussion: """
            A field that the kernel does not show for this process is a dash in the table and null in JSON. With \
            --cgroup or --pod, shows one line for each process, without the fields that are always 0 on Linux.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Flag(help: "Show the usage of the children of the process that ended and were waited for.")
    var children = false

    @Flag(help: "Show the sum of the process and these children.")
    var both = false

    @Option(help: ArgumentHelp("Show the usage of one thread of the process.", valueName: "tid"))
    var thread: Int32?

    private static let partialNote = "the context switches do not include those of threads that have ended"

    func validate() throws {
        if [children, both, thread != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--children, --both and --thread exclude each other.")
        }
        if let thread, thread <= 0 { throw ValidationError("--thread needs a thread id from 1, not \(thread).") }
        try cgroup.requireAlone(process)
        if thread != nil { try cgroup.requireNone("--thread") }
    }

    func run() throws {
        if let cgroup = cgroup.selected {
            try show(cgroup)
        } else {
            try show(SelectedProcess(process))
        }
    }

    private var scope: Usage.Scope { children ? .children : both ? .processAndChildren : .process }

    private var scopeName: String { thread != nil ? "thread" : children ? "children" : both ? "both" : "process" }

    // MARK: - One process

    private func show(_ selected: borrowing SelectedProcess) throws {
        let client = global.client(agentOnly: agent.only)
        let usage: Usage
        do throws(RlimitError) {
            usage = try read(client, selected.target)
        } catch {
            throw Refusal(error, .usage, client, selected.targetInfo).failure
        }
        if global.json {
            try Output.print(
                .object(
                    selected.label.members + [
                        ("scope", .string(scopeName)), ("thread", thread.map { .integer(Int($0)) } ?? .null),
                        ("isPartial", .bool(usage.isPartial)), ("usage", .object(usage.members)),
                    ]))
        } else {
            var table = TextTable([("FIELD", .left), ("USED", .right), ("DESCRIPTION", .left)])
            for field in usage.fields { table.append([field.name, field.value.text, field.summary]) }
            try Output.print(table.text)
            if usage.isPartial { Output.note(Self.partialNote) }
        }
    }

    private func read(_ client: BlockingLimitClient, _ target: Target) throws(RlimitError) -> Usage {
        if let thread { return try client.usage(ofThread: thread, in: target) }
        return try client.usage(of: target, scope)
    }

    // MARK: - A cgroup or pod

    private func show(_ cgroup: Cgroup) throws {
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.usage(in: cgroup, scope))
        if global.json {
            try Output.print(
                report.json(self.cgroup, [("scope", .string(scopeName))], as: "usage") { usage in
                    .object(usage.members + [("isPartial", .bool(usage.isPartial))])
                })
        } else if !report.successes.isEmpty {
            try Output.print(table(report))
        }
        if report.successes.contains(where: \.value.isPartial) { Output.note(Self.partialNote) }
        try report.finish("shown")
    }

    // Without the fields that are always 0 on Linux, so that a line fits a screen.
    private func table(_ report: CgroupReport<Usage>) -> String {
        let shown = ["utime", "stime", "maxrss", "minflt", "majflt", "nvcsw", "nivcsw"]
        var table = TextTable(
            [("PID", .right), ("COMMAND", .left)] + shown.map { ($0.uppercased(), .right) })
        for (process, usage) in report.successes {
            table.append(process.cells + usage.fields.filter { shown.contains($0.name) }.map(\.value.text))
        }
        return table.text
    }
}
