import ArgumentParser
import RlimitClient

/// `rlimitctl set`: changes the limits of a process, or of every process of a cgroup or pod.
struct SetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change the limits of a process.",
        discussion: """
            A value is N, which sets the soft limit and raises the hard limit to N if it is lower; S:H, which sets both \
            limits; or S: or :H, which sets one. Each of them is a number with or without a unit, such as 65536, 64K, \
            8G or 30s, or "unlimited", "hard" (the current hard limit) or "max" (the maximum that you are allowed). \
            Several edits are made all or none.

            With --cgroup or --pod, each process gets all edits or none. An edit must mean the same for every process, \
            so N needs --at-least or --clamp. These requests always go to the agent. The exit status is 77 if any \
            process was refused.

            With --lease or --while-connected, the limits are restored at the end. Leases exist for nofile, memlock, \
            nproc, core, sigpending and msgqueue of one process. These requests always go to the agent.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption
    @OptionGroup var lease: LeaseOptions

    @Flag(help: "Raise limits that are lower than the value, and lower none.")
    var atLeast = false

    @Flag(help: "Raise as far toward the value as is allowed, and lower none.")
    var clamp = false

    @Option(help: ArgumentHelp("Make the edit only if these are the current limits.", valueName: "soft:hard"))
    var expect: String?

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @Argument(
        help: ArgumentHelp("An edit, such as nofile=65536 or memlock=64M:1G.", valueName: "resource=value"),
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

    // MARK: - One process

    private func apply(_ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient) throws {
        let changes: [Change]
        do throws(RlimitError) {
            changes = try client.apply(edits, on: selected.target)
        } catch {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        if global.json {
            try print(changes.map(JSON.change), of: selected.label)
        } else {
            for change in changes { try Output.print(change.line(of: selected.label) + "\n") }
        }
        for change in changes { change.notes.forEach(Output.note) }
    }

    private func performDryRun(
        _ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient
    ) throws {
        // The kernel has no leases, so the agent explains a lease alone.
        let explanation =
            lease.isLease
            ? try client.explain(edits, on: selected.target, leasedFor: lease.duration())
            : try client.performDryRun(edits, on: selected)
        if let error = explanation.refusal {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        if global.json { return try print(explanation.verdicts.map(JSON.verdict), of: selected.label) }
        for verdict in explanation.verdicts {
            guard let now = verdict.now, let new = verdict.new else { continue }
            let line = Change.line(verdict.resource, from: now, to: new, of: selected.label)
            try Output.print(line + "  (dry run)\n")
        }
    }

    private func print(_ changes: [JSON], of process: ProcessLabel, _ more: [(String, JSON)] = []) throws {
        let members: [(String, JSON)] = [("dryRun", .bool(dryRun)), ("changes", .array(changes))]
        try Output.print(.object(process.members + members + more))
    }

    // MARK: - A lease

    private func lease(_ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient) throws {
        let duration = try lease.duration()
        // Blocks the signals before the lease exists, so that an interrupt from here on still releases it.
        let foreground = lease.whileConnected ? try ForegroundLease(of: selected) : nil
        let granted: BlockingLimitClient.Lease
        do throws(RlimitError) {
            granted = try client.lease(edits, on: selected.target, for: duration)
        } catch {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        try report(granted, of: selected.label)
        guard let foreground else {
            _ = granted.keep()
            return
        }
        try Output.print(try foreground.hold(granted), asJSON: global.json)
    }

    private func report(_ granted: borrowing BlockingLimitClient.Lease, of process: ProcessLabel) throws {
        let remaining = granted.expires.map { $0 - .now }
        if global.json {
            let lease: JSON = .object([
                ("id", .string("\(granted.id)")), ("endsIn", remaining.map(JSON.seconds) ?? .null),
            ])
            try print(granted.changes.map(JSON.change), of: process, [("lease", lease)])
        } else {
            for change in granted.changes { try Output.print(change.line(of: process) + "\n") }
            let ending =
                lease.whileConnected ? "lasts until rlimitctl is interrupted" : LeaseTime.ending(in: remaining)
            try Output.print("lease \(granted.id)  \(ending)\n")
        }
        for change in granted.changes { change.notes.forEach(Output.note) }
    }

    // MARK: - A cgroup or pod

    private func apply(_ edits: [Edit], in cgroup: Cgroup) throws {
        try requireUniform(edits)
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.apply(edits, in: cgroup))
        if global.json {
            try Output.print(
                report.json(self.cgroup, [("dryRun", .bool(false))], as: "changes") { .array($0.map(JSON.change)) })
        } else {
            let lines = report.successes.flatMap { process, changes in changes.map { $0.line(of: process) + "\n" } }
            try Output.print(lines.joined())
        }
        notes(report).forEach(Output.note)
        try report.finish("changed")
    }

    // An edit that differs between processes is an error of the command line, found before any request.
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

    // Each distinct note once, with the number of processes that have it.
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
