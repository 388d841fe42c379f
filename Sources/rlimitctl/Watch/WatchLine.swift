import RlimitClient
import RlimitKernel

/// An event of a watch as one line of JSON.
struct WatchLine {
    let update: WatchUpdate
    let resources: [Resource]

    /// `{"event":"sample","time":...,"pid":4242,"command":"bash",...}`; nil for what has no line.
    var json: JSON? {
        switch update.event {
        case .observed(.sample(let sample)):
            object("sample", [("limits", .object(resources.map { ($0.name, entry($0, sample)) }))])
        case .observed(.changed(let resource, let old, let new)):
            object("changed", [("resource", .string(resource.name)), ("old", .limit(old)), ("new", .limit(new))])
        case .observed(.crossed(let threshold, let used, let limit)):
            object(
                "crossed",
                [
                    ("resource", .string(threshold.resource.name)), ("above", above(threshold)),
                    ("used", .number(used)),
                    ("limit", .limit(limit)),
                ])
        case .observed(.exited): object("exited", [])
        case .observed: nil
        case .appeared: object("appeared", [])
        case .left: object("left", [])
        case .failed(let error): object("failed", [("error", .error(error))])
        case .looked(let processes): object("looked", [("processes", .integer(processes))])
        }
    }

    private func object(_ event: String, _ more: [(String, JSON)]) -> JSON {
        let (seconds, nanoseconds) = WallClock.now()
        let time = Duration.seconds(seconds) + .nanoseconds(nanoseconds)
        return .object(
            [
                ("event", .string(event)), ("time", .seconds(time)),
                ("pid", update.watched.map { .integer(Int($0.pid)) } ?? .null),
                ("command", .optional(update.watched?.command)),
            ] + more)
    }

    private func entry(_ resource: Resource, _ sample: LimitClient.Watch.Sample) -> JSON {
        let limit = sample.limits[resource]
        return .object([
            ("soft", .bound(limit.soft)), ("hard", .bound(limit.hard)), ("used", .optional(sample.usage[resource])),
            ("unit", .string(resource.unit.word)),
        ])
    }

    private func above(_ threshold: LimitClient.Watch.Threshold) -> JSON {
        if let bound = threshold.bound { return .bound(bound) }
        return .string(String(threshold.description.split(separator: " ").last ?? ""))
    }
}

/// A line of JSON for each event, as soon as it is there. A watch waits while its line is written, and so has no backlog.
final class WatchLines: Sendable {
    private let resources: [Resource]
    // One line after the other, of all watches.
    private let monitor = ConditionLock()

    init(_ resources: [Resource]) { self.resources = resources }

    func print(_ update: WatchUpdate) throws {
        guard let json = WatchLine(update: update, resources: resources).json else { return }
        try monitor.withLock { try Output.print(json) }
    }
}
