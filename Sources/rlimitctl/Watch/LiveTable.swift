import RlimitClient

/// The state of all watched processes, and the lines that show it in a window of a given size. A pure value.
struct LiveTable {
    /// The first line.
    var title = ""
    /// The resources with a row.
    let resources: [Resource]
    /// Whether several processes can be watched. Each row then names its process, and resources without a fraction have
    /// no row.
    let hasManyProcesses: Bool
    /// Whether to redraw only after `.looked`, which follows the samples of all processes.
    let waitsForFullScan: Bool
    let usesColor: Bool

    private var samples: [ProcessLabel: LimitClient.Watch.Sample] = [:]
    private var alerts: [ProcessLabel: [LimitClient.Watch.Threshold]] = [:]
    private var notices: [String] = []
    // Whether the first scan is complete. Processes found by the first scan are not reported as appeared.
    private var isComplete = false

    private static let maxNotices = 4

    init(
        resources: [Resource], hasManyProcesses: Bool = false, waitsForFullScan: Bool = false, usesColor: Bool = false
    ) {
        self.resources = resources
        self.hasManyProcesses = hasManyProcesses
        self.waitsForFullScan = waitsForFullScan
        self.usesColor = usesColor
    }

    /// The number of processes.
    var processes: Int { samples.count }

    /// Applies an event. Returns whether the table should be redrawn.
    mutating func apply(_ update: WatchUpdate) -> Bool {
        guard let process = update.process else {
            isComplete = true
            return true
        }
        switch update.event {
        case .observed(.sample(let sample)):
            samples[process] = sample
            alerts[process]?.removeAll { !Self.isAbove($0, sample) }
            return !waitsForFullScan
        case .observed(.changed(let resource, let old, let new)):
            note("\(resource.name) \(resource.formatted(old)) -> \(resource.formatted(new))", process)
        case .observed(.crossed(let threshold, let used, let limit)):
            let resource = threshold.resource
            alerts[process, default: []].append(threshold)
            note("\(threshold): \(resource.formatted(Limit.Bound(used))) of \(resource.formatted(limit))", process)
        case .observed(.exited):
            // The last state of a single process stays visible.
            if hasManyProcesses { remove(process) }
            note("ended", process)
        case .observed, .looked: break
        case .appeared: if isComplete { note("appeared", process) }
        case .left:
            remove(process)
            note("left the cgroup", process)
        case .failed(let error): note(error.message.forTerminal, process)
        }
        return true
    }

    private mutating func note(_ text: String, _ process: ProcessLabel) {
        notices.append("\(process): \(text)")
        if notices.count > Self.maxNotices { notices.removeFirst() }
    }

    private mutating func remove(_ process: ProcessLabel) {
        samples[process] = nil
        alerts[process] = nil
    }

    // The condition on which the watch reports a crossing. Once it is false, the alert ends.
    private static func isAbove(_ threshold: LimitClient.Watch.Threshold, _ sample: LimitClient.Watch.Sample) -> Bool {
        guard let used = sample.usage[threshold.resource] else { return false }
        if let bound = threshold.bound?.value { return used > bound }
        guard let fraction = threshold.fraction, let soft = sample.limits[threshold.resource].soft.value else {
            return false
        }
        return Double(used) > Double(soft) * fraction
    }

    /// The rows, the least headroom first.
    var rows: [LiveRow] {
        samples.flatMap { process, sample in
            resources.map { resource in
                LiveRow(
                    process: process, resource: resource, limit: sample.limits[resource], used: sample.usage[resource],
                    isAboveThreshold: alerts[process]?.contains { $0.resource == resource } ?? false)
            }
        }
        .filter { !hasManyProcesses || $0.fraction != nil }
        .sorted { $0.precedes($1) }
    }

    /// At most `height` lines of at most `columns` characters.
    func lines(columns: Int, rows height: Int) -> [String] {
        let rows = rows
        let notices = notices.suffix(max(0, height - 4))
        let rowCapacity = max(1, height - 2 - notices.count)
        let isCut = rows.count > rowCapacity
        let shown = isCut ? Array(rows.prefix(max(1, rowCapacity - 1))) : rows
        var lines = [String(title.prefix(columns))]
        lines += LiveLayout(shown, hasManyProcesses: hasManyProcesses, usesColor: usesColor).lines(columns: columns)
        if isCut { lines.append(String("... and \(rows.count - shown.count) more".prefix(columns))) }
        return Array((lines + notices.map { String($0.prefix(columns)) }).prefix(max(1, height)))
    }
}
