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
    let awaitsWholeLooks: Bool
    let usesColor: Bool

    private var samples: [WatchNews.Who: LimitClient.Watch.Sample] = [:]
    private var alerts: [WatchNews.Who: [LimitClient.Watch.Threshold]] = [:]
    private var notices: [String] = []
    // Whether all were looked at once: those that were there before do not appear.
    private var isComplete = false

    private static let mostNotices = 4

    init(
        resources: [Resource], hasManyProcesses: Bool = false, awaitsWholeLooks: Bool = false, usesColor: Bool = false
    ) {
        self.resources = resources
        self.hasManyProcesses = hasManyProcesses
        self.awaitsWholeLooks = awaitsWholeLooks
        self.usesColor = usesColor
    }

    /// How many processes it shows.
    var processes: Int { samples.count }

    /// Takes an event in. True where a look is complete, and it is worth to draw anew.
    mutating func take(_ news: WatchNews) -> Bool {
        guard let who = news.who else {
            isComplete = true
            return true
        }
        switch news.what {
        case .seen(.sample(let sample)):
            samples[who] = sample
            alerts[who]?.removeAll { !Self.isAbove($0, sample) }
            return !awaitsWholeLooks
        case .seen(.changed(let resource, let old, let new)):
            note("\(resource.name) \(resource.formatted(old)) -> \(resource.formatted(new))", who)
        case .seen(.crossed(let threshold, let used, let limit)):
            let resource = threshold.resource
            alerts[who, default: []].append(threshold)
            note("\(threshold): \(resource.formatted(Limit.Bound(used))) of \(resource.formatted(limit))", who)
        case .seen(.exited):
            // Of a single one its last state stays to be read.
            if hasManyProcesses { remove(who) }
            note("ended", who)
        case .seen, .looked: break
        case .appeared: if isComplete { note("appeared", who) }
        case .left:
            remove(who)
            note("left the cgroup", who)
        case .failed(let error): note(error.message.forTerminal, who)
        }
        return true
    }

    private mutating func note(_ text: String, _ who: WatchNews.Who) {
        notices.append("\(who.label): \(text)")
        if notices.count > Self.mostNotices { notices.removeFirst() }
    }

    private mutating func remove(_ who: WatchNews.Who) {
        samples[who] = nil
        alerts[who] = nil
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
        samples.flatMap { who, sample in
            resources.map { resource in
                LiveRow(
                    who: who, resource: resource, limit: sample.limits[resource], used: sample.usage[resource],
                    isAlarming: alerts[who]?.contains { $0.resource == resource } ?? false)
            }
        }
        .filter { !hasManyProcesses || $0.part != nil }
        .sorted { $0.comes(before: $1) }
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
