import ArgumentParser
import RlimitClient

/// `rlimitctl set`: changes the limits of a process.
struct SetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change the limits of a process.",
        discussion: """
            A value is N (soft becomes N, and hard is raised to N if it is below), S:H (both), S: or :H (one half); \
            a half is a number with its unit, such as 64K, 8G, 30s, or "unlimited", "hard" (the present hard limit) \
            or "max" (the most that one may have). Several edits are made all or none.

            In a cgroup or pod, each process gets all of them or none, and an edit must mean the same for each: \
            N goes with --at-least or --clamp. The agent alone is asked. Exit status: 77 if a process was refused.

            With --lease or --while-connected the limits go back at the end: of nofile, memlock, nproc, core, \
            sigpending and msgqueue, in one process, by the agent alone.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption
    @OptionGroup var lease: LeaseOptions

    @Flag(help: "Raise what is below, and lower nothing.")
    var atLeast = false

    @Flag(help: "As much of it as one may have, and never less than there is.")
    var clamp = false

    @Option(help: ArgumentHelp("Change it only if it is this now.", valueName: "soft:hard"))
    var expect: String?

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Argument(
        help: ArgumentHelp("What to change.", valueName: "resource=value"),
        completion: .list(Resource.allCases.map { "\($0.name)=" }))
    var edits: [String]

    func validate() throws {
        if atLeast && clamp { throw ValidationError("--at-least and --clamp exclude each other.") }
        try cgroup.requireAlone(process)
        if dryRun { try cgroup.requireNone("--dry-run") }
        if lease.isLease { try cgroup.requireNone("a lease") }
    }

    func run() throws {
        let edits = try EditArguments.parse(edits, mode: mode, expecting: expect)
        if let cgroup = cgroup.selected { return try apply(edits, in: cgroup) }
        let selected = try SelectedProcess(process)
        let client = global.client(agentOnly: agent.only)
        if dryRun {
            try performDryRun(edits, on: selected, client)
        } else if lease.isLease {
            try lease(edits, on: selected, client)
        } else {
            try apply(edits, on: selected, client)
        }
    }

    private var mode: Edit.Mode { atLeast ? .atLeast : clamp ? .clamp : .exact }

    private func apply(_ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient) throws {
        let changes: [Change]
        do throws(RlimitError) {
            changes = try client.apply(edits, on: selected.target)
        } catch {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        if global.json {
            try print(selected, changes.map(JSON.change))
        } else {
            for change in changes {
                try Output.print(selected.line(change.resource, from: change.old, to: change.new) + "\n")
            }
        }
        for change in changes { change.notes.forEach(Output.note) }
    }

    private func performDryRun(_ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient)
        throws
    {
        let explanation =
            lease.isLease
            ? try performLeaseDryRun(edits, on: selected, client) : try client.performDryRun(edits, on: selected)
        if let error = explanation.refusal {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        if global.json { return try print(selected, explanation.verdicts.map(JSON.verdict)) }
        for verdict in explanation.verdicts {
            guard let now = verdict.now, let new = verdict.new else { continue }
            try Output.print(selected.line(verdict.resource, from: now, to: new) + "  (dry run)\n")
        }
    }

    private func print(_ selected: borrowing SelectedProcess, _ changes: [JSON]) throws {
        try Output.print(.object(selected.members + [("dryRun", .bool(dryRun)), ("changes", .array(changes))]))
    }
}
