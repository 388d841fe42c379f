import RlimitClient

/// What is known of all that is watched, and the lines that show it in a window of some size. A pure value.
struct LiveTable {
    /// The first line.
    var title = ""
    /// Which resources have a row.
    let resources: [Resource]
    /// Whether there may be several processes, so that each row names its own and those without a limit have none.
    let hasManyProcesses: Bool
    /// Whether it is told when all of them were looked at, and not worth drawing before.
    let waitsForFullScan: Bool
    let usesColor: Bool

    private var samples: [WatchUpdate.WatchedProcess: LimitClient.Watch.Sample] = [:]
    private var alerts: [WatchUpdate.WatchedProcess: [LimitClient.Watch.Threshold]] = [:]
    private var notices: [String] = []
    // Whether all were looked at once: those that were there before do not appear.
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

    /// How many processes it shows.
    var processes: Int { samples.count }

    /// Takes an event in. True where a look is complete, and it is worth to draw anew.
    mutating func apply(_ update: WatchUpdate) -> Bool {
        guard let watched = update.watched else {
            isComplete = true
            return true
        }
        switch update.event {
        case .observed(.sample(let sample)):
            samples[watched] = sample
            alerts[watched]?.removeAll { !Self.isAbove($0, sample) }
            return !waitsForFullScan
        case .observed(.changed(let resource, let old, let new)):
            note("\(resource.name) \(resource.formatted(old)) -> \(resource.formatted(new))", watched)
        case .observed(.crossed(let threshold, let used, let limit)):
            let resource = threshold.resource
            alerts[watched, default: []].append(threshold)
            note("\(threshold): \(resource.formatted(Limit.Bound(used))) of \(resource.formatted(limit))", watched)
        case .observed(.exited):
            // Of a single one its last state stays to be read.
            if hasManyProcesses { remove(watched) }
            note("ended", watched)
        case .observed, .looked: break
        case .appeared: if isComplete { note("appeared", watched) }
        case .left:
            remove(watched)
            note("left the cgroup", watched)
        case .failed(let error): note(error.message.forTerminal, watched)
        }
        return true
    }

    private mutating func note(_ text: String, _ watched: WatchUpdate.WatchedProcess) {
        notices.append("\(watched.label): \(text)")
        if notices.count > Self.maxNotices { notices.removeFirst() }
    }

    private mutating func remove(_ watched: WatchUpdate.WatchedProcess) {
        samples[watched] = nil
        alerts[watched] = nil
    }

    // Where the watch would tell of it anew, it is over.
    private static func isAbove(_ threshold: LimitClient.Watch.Threshold, _ sample: LimitClient.Watch.Sample) -> Bool {
        guard let used = sample.usage[threshold.resource] else { return false }
        if let bound = threshold.bound?.value { return used > bound }
        guard let fraction = threshold.fraction, let soft = sample.limits[threshold.resource].soft.value else {
            return false
        }
        return Double(used) > Double(soft) * fraction
    }

    /// The rows there are, the least headroom first.
    var rows: [LiveRow] {
        samples.flatMap { watched, sample in
            resources.map { resource in
                LiveRow(
                    watched: watched, resource: resource, limit: sample.limits[resource], used: sample.usage[resource],
                    isAlarming: alerts[watched]?.contains { $0.resource == resource } ?? false)
            }
        }
        .filter { !hasManyProcesses || $0.fraction != nil }
        .sorted { $0.precedes($1) }
    }

    /// As many lines as fit, none longer than the window is wide.
    func lines(columns: Int, rows height: Int) -> [String] {
        let rows = rows
        let notices = notices.suffix(max(0, height - 4))
        let room = max(1, height - 2 - notices.count)
        let isCut = rows.count > room
        let shown = isCut ? Array(rows.prefix(max(1, room - 1))) : rows
        var lines = [String(title.prefix(columns))]
        lines += LiveLayout(shown, hasManyProcesses: hasManyProcesses, usesColor: usesColor).lines(columns: columns)
        if isCut { lines.append(String("... and \(rows.count - shown.count) more".prefix(columns))) }
        return Array((lines + notices.map { String($0.prefix(columns)) }).prefix(max(1, height)))
    }
}
