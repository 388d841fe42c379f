import ArgumentParser
import RlimitClient
import RlimitKernel

/// `rlimitctl watch`: limits and use as they are now, again and again.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch the limits of processes, and what is used of them.",
        discussion: """
            On a terminal a table, the least headroom first, drawn anew after each look; Ctrl-C ends it. Otherwise, and with \
            --json, a line of JSON for each event: sample, changed, crossed, exited; of a cgroup also appeared, left, failed \
            and looked. The exit status is 0 once the process has ended, or was looked at --count times.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("pid"),
        help: ArgumentHelp(
            "Which process; may be repeated. Without it, the one that started rlimitctl: the shell.", valueName: "pid"))
    var pids: [Int32] = []

    @OptionGroup var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Option(
        help: ArgumentHelp("From one look to the next: 500ms, 1s (the default), 2m.", valueName: "time"),
        transform: Interval.init(word:))
    var every = Interval.second

    @Option(
        help: ArgumentHelp(
            "Tell when more is used than a value, or than a part of the soft limit (80%); may be repeated.",
            valueName: "resource=value"))
    var above: [String] = []

    @Option(help: ArgumentHelp("Look so many times, and end.", valueName: "n"))
    var count: Int?

    @Argument(
        help: "Which resources; all sixteen where none is named.",
        completion: .list(Resource.allCases.map(\.name)))
    var resource: [String] = []

    func validate() throws {
        if let pid = pids.first(where: { $0 <= 0 }) {
            throw ValidationError("--pid needs the number of a process, from 1, and not \(pid).")
        }
        if let count, count < 1 { throw ValidationError("--count needs a number from 1.") }
        try cgroup.requireAlone(isProcessNamed: !pids.isEmpty)
    }

    func run() throws {
        let resources = try EditArguments.resources(resource)
        let alerts = try above.map { try Alert($0).threshold }
        let feed = WatchFeed(
            client: LimitClient(
                socket: global.agentSocket, strategy: agent.only ? .agentOnly : .kernelFirst),
            every: every.duration, alerts: alerts, resources: resources, count: count)
        // Those of which one wants to hear are shown too.
        let shown = resources + Set(alerts.map(\.resource)).subtracting(resources).sorted { $0.name < $1.name }
        if let cgroup = cgroup.selected {
            return try show(shown, hasMany: true) {
                "\(cgroup): \($0) processes"
            } feed: {
                try await feed.watch(cgroup, $0)
            }
        }
        // Held until it is over.
        let selection = try selected()
        defer { withExtendedLifetime(selection) {} }
        let processes = selection.map { ($0.watched, $0.process.target) }
        do {
            try show(shown, hasMany: selection.count > 1) { count in
                selection.count == 1 ? selection.map(\.watched.label).joined() : "\(count) processes"
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
            let lines = WatchLines(resources)
            return try BlockingTask.run { try await feed { try lines.print($0) } }
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

/// A chosen process among several.
private final class SelectedProcessBox {
    let process: SelectedProcess
    let watched: WatchUpdate.WatchedProcess

    init(_ process: consuming SelectedProcess) {
        watched = WatchUpdate.WatchedProcess(pid: process.pid, command: process.command)
        self.process = process
    }
}
