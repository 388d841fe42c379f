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

extension SetCommand {
    /// `set --lease` and `set --while-connected`.
    func lease(_ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient) throws {
        let duration = try lease.duration()
        // Before there is anything to give back: who interrupts from here on is heard.
        let foreground = lease.whileConnected ? try ForegroundLease(of: selected) : nil
        let granted: BlockingLimitClient.Lease
        do throws(RlimitError) {
            granted = try client.lease(edits, on: selected.target, for: duration)
        } catch {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        try report(granted, on: selected)
        guard let foreground else {
            _ = granted.keep()
            return
        }
        try Output.print(try foreground.hold(granted), asJSON: global.json)
    }

    /// `set --dry-run` of a lease: the agent's answer, for the kernel knows none.
    func performLeaseDryRun(
        _ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient
    ) throws -> Explanation {
        try client.explain(edits, on: selected.target, leasedFor: lease.duration())
    }

    private func report(_ granted: borrowing BlockingLimitClient.Lease, on selected: borrowing SelectedProcess) throws {
        let left = granted.expires.map { $0 - .now }
        if global.json {
            let lease: JSON = .object([
                ("id", .string("\(granted.id)")), ("endsIn", left.map(JSON.seconds) ?? .null),
            ])
            try Output.print(
                .object(
                    selected.members + [
                        ("dryRun", .bool(false)), ("changes", .array(granted.changes.map(JSON.change))),
                        ("lease", lease),
                    ]))
        } else {
            for change in granted.changes {
                try Output.print(selected.line(change.resource, from: change.old, to: change.new) + "\n")
            }
            let ending = self.lease.whileConnected ? "ends with this: interrupt it" : LeaseTime.ending(in: left)
            try Output.print("lease \(granted.id)  \(ending)\n")
        }
        for change in granted.changes { change.notes.forEach(Output.note) }
    }
}

extension SetCommand {
    /// `set --cgroup`: in each process all of the edits or none.
    func apply(_ edits: [Edit], in cgroup: Cgroup) throws {
        try requireUniform(edits)
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.apply(edits, in: cgroup))
        if global.json {
            try Output.print(
                report.json(self.cgroup, [("dryRun", .bool(false))], as: "changes") { .array($0.map(JSON.change)) })
        } else {
            try Output.print(lines(report))
        }
        notes(report).forEach(Output.note)
        try report.finish("changed")
    }

    // What could mean another thing for each process is a matter of the command line.
    private func requireUniform(_ edits: [Edit]) throws {
        for (index, edit) in edits.enumerated() {
            do throws(RlimitError) {
                _ = try UniformEdit(edit, at: index)
            } catch {
                var failure = Failure(error, status: ExitStatus.usage)
                if case .single(.bound) = edit.values { failure.message += " (--at-least)" }
                throw failure
            }
        }
    }

    private func lines(_ report: CgroupReport<[Change]>) -> String {
        report.successes.map { entry, changes in
            changes.map { change in
                let resource = change.resource
                return "\(resource.name) \(resource.formatted(change.old)) -> \(resource.formatted(change.new))  "
                    + entry.label + "\n"
            }.joined()
        }.joined()
    }

    // What is so of many is said once, and of how many.
    private func notes(_ report: CgroupReport<[Change]>) -> [String] {
        var order: [String] = []
        var counts: [String: Int] = [:]
        for note in report.successes.flatMap(\.value).flatMap(\.notes) {
            if counts[note] == nil { order.append(note) }
            counts[note, default: 0] += 1
        }
        return order.prefix(CgroupReport<[Change]>.maxFailuresShown).map { note in
            let count = counts[note] ?? 1
            return count == 1 ? note : "\(note) (\(count) processes)"
        }
    }
}
