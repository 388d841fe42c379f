import RlimitClient
import RlimitKernel

/// An event of a watch as one line of JSON.
struct WatchLine {
    let update: WatchUpdate
    let resources: [Resource]

    /// `{"event":"sample","time":...,"pid":4242,"command":"bash",...}`; nil for an event without a line.
    var json: JSON? {
        switch update.event {
        case .observed(.sample(let sample)):
            object("sample", [("limits", limits(sample))])
        case .observed(.changed(let resource, let old, let new)):
            object("changed", [("resource", .string(resource.name)), ("old", .limit(old)), ("new", .limit(new))])
        case .observed(.crossed(let threshold, let used, let limit)):
            object(
                "crossed",
                [
                    ("resource", .string(threshold.resource.name)), ("above", above(threshold)),
                    ("used", .number(used)), ("limit", .limit(limit)),
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
            [("event", .string(event)), ("time", .seconds(time))]
                + (update.process ?? ProcessLabel(pid: nil, command: nil)).members + more)
    }

    private func limits(_ sample: LimitClient.Watch.Sample) -> JSON {
        .object(resources.map { ($0.name, JSON.limit(sample.limits[$0], of: $0, used: sample.usage[$0])) })
    }

    private func above(_ threshold: LimitClient.Watch.Threshold) -> JSON {
        if let bound = threshold.bound { return .bound(bound) }
        return .string(String(threshold.description.split(separator: " ").last ?? ""))
    }
}

/// Prints a line of JSON for each event at once. A watch waits while its line is written, so events do not accumulate.
final class WatchLinePrinter: Sendable {
    private let resources: [Resource]
    // Keeps the lines of concurrent watches apart.
    private let lock = ConditionLock()

    init(_ resources: [Resource]) { self.resources = resources }

    func print(_ update: WatchUpdate) throws {
        guard let json = WatchLine(update: update, resources: resources).json else { return }
        try lock.withLock { try Output.print(json) }
    }
}
