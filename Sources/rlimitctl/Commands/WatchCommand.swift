import ArgumentParser
import RlimitClient
import RlimitKernel

/// `rlimitctl watch`: shows limits and usage at a regular interval.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch the limits of processes, and how much of each is used.",
        discussion: """
            On a terminal, shows a table with the least headroom first, redrawn after each sample; Ctrl-C ends it. \
            Otherwise, and with --json, prints a line of JSON for each event: sample, changed, crossed and exited; for a \
            cgroup or pod also appeared, left, failed and looked. The exit status is 0 when the processes have ended, or \
            after --count samples.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("pid"),
        help: ArgumentHelp(
            "A process; can be repeated. Default: the parent of rlimitctl, usually the shell.", valueName: "pid"))
    var pids: [Int32] = []

    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Option(
        help: ArgumentHelp("The interval between samples, such as 500ms, 1s (the default) or 2m.", valueName: "time"),
        transform: Interval.init(parsing:))
    var every = Interval.second

    @Option(
        help: ArgumentHelp(
            "Report when more is used than a value, or than a percentage of the soft limit (80%); can be repeated.",
            valueName: "resource=value"))
    var above: [String] = []

    @Option(help: ArgumentHelp("End after this number of samples.", valueName: "n"))
    var count: Int?

    @Argument(
        help: "The resources to show. Default: all sixteen.",
        completion: .list(Resource.allCases.map(\.name)))
    var resource: [String] = []

    func validate() throws {
        for pid in pids { try ProcessOptions.validate(pid) }
        if let count, count < 1 { throw ValidationError("--count needs a number from 1, not \(count).") }
        try cgroup.requireAlone(isProcessNamed: !pids.isEmpty)
    }

    func run() throws {
        let resources = try EditArguments.resources(resource)
        let alerts = try above.map { try Alert($0).threshold }
        let feed = WatchFeed(
            client: LimitClient(
                socket: global.agentSocket, strategy: agent.only ? .agentOnly : .kernelFirst),
            every: every.duration, alerts: alerts, resources: resources, count: count)
        // A resource with a threshold is shown even if it is not named.
        let shown = resources + Set(alerts.map(\.resource)).subtracting(resources).sorted { $0.name < $1.name }
        if let cgroup = cgroup.selected {
            return try show(shown, hasMany: true) {
                "\(cgroup): \($0) processes"
            } feed: {
                try await feed.watch(cgroup, $0)
            }
        }
        // The pidfds stay open until the watches end.
        let selection = try selected()
        defer { withExtendedLifetime(selection) {} }
        let processes = selection.map { ($0.process.label, $0.process.target) }
        do {
            try show(shown, hasMany: selection.count > 1) { count in
                selection.count == 1 ? "\(selection[0].process.label)" : "\(count) processes"
            } feed: {
                try await feed.watch(processes, $0)
            }
        } catch let error as RlimitError where error.code == .deniedByPolicy {
            let client = global.client(agentOnly: agent.only)
            throw Refusal(error, .get, client, selection.count == 1 ? selection.first?.process.targetInfo : nil).failure
        }
    }

    private func selected() throws -> [SelectedProcessBox] {
        guard !pids.isEmpty else { return [SelectedProcessBox(try SelectedProcess(pid: nil))] }
        var seen: Set<Int32> = []
        return try pids.filter { seen.insert($0).inserted }.map { SelectedProcessBox(try SelectedProcess(pid: $0)) }
    }

    private func show(
        _ resources: [Resource], hasMany: Bool, title: @escaping (Int) -> String,
        feed: @escaping WatchFeed.Body
    ) throws {
        guard !global.json, Terminal.size(of: .output) != nil, OwnProcess.environment("TERM") != "dumb" else {
            let printer = WatchLinePrinter(resources)
            return try BlockingTask.run { try await feed { try printer.print($0) } }
        }
        let noColor = OwnProcess.environment("NO_COLOR") ?? ""
        let table = LiveTable(
            resources: resources, hasManyProcesses: hasMany, waitsForFullScan: cgroup.selected != nil,
            usesColor: noColor.isEmpty)
        let interval = every.text
        let view = try LiveView(table) { "\(title($0)), every \(interval)" }
        try view.run(feed)
    }
}

/// Puts a selected process into an array, which cannot hold a noncopyable value.
private final class SelectedProcessBox {
    let process: SelectedProcess

    init(_ process: consuming SelectedProcess) { self.process = process }
}
