import RlimitKernel
import RlimitModel

/// The arguments of a watch.
struct WatchConfiguration: Sendable {
    let client: LimitClient
    let interval: Duration
    let resources: ResourceSet
    let alerts: [LimitClient.Watch.Threshold]

    init(
        _ client: LimitClient, _ interval: Duration, _ resources: [Resource]?, _ alerts: [LimitClient.Watch.Threshold]
    ) {
        self.client = client
        self.interval = interval
        let named = ResourceSet(resources ?? []).union(ResourceSet(alerts.lazy.map(\.resource)))
        self.resources = resources == nil && alerts.isEmpty ? .all : named
        self.alerts = alerts
    }

    /// - Throws: `.invalidArgument`, `.unsupported`.
    func check() throws(RlimitError) {
        guard interval > .zero else {
            throw RlimitError(
                .invalidArgument,
                message: "the interval \(interval) is not positive; one second is .seconds(1)")
        }
        guard !resources.isEmpty else {
            throw RlimitError(.invalidArgument, message: "a watch needs at least one resource")
        }
        for threshold in alerts { try threshold.check() }
    }

    /// The time of the next sample after one at `now`. It is rounded, so that a thousand watches do not wake the
    /// processor a thousand times.
    func due(after now: UInt64) -> UInt64 {
        let grain = min(max(interval.nanoseconds / 32, 1_000_000), 1_000_000_000)
        let (sum, overflow) = now.addingReportingOverflow(interval.nanoseconds)
        guard !overflow, sum < .max - grain else { return .max }
        return (sum + grain - 1) / grain * grain
    }
}
