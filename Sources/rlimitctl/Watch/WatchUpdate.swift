import RlimitClient

/// An event of a watch.
struct WatchUpdate: Sendable {
    enum Event: Sendable {
        case observed(LimitClient.Watch.Event)
        case appeared
        case left
        case failed(RlimitError)
        /// Every process of the cgroup was sampled.
        case looked(processes: Int)
    }

    /// Nil for an event of the cgroup as a whole.
    let process: ProcessLabel?
    let event: Event
}
