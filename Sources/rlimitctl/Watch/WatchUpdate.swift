import RlimitClient
import RlimitKernel

/// What came of a watch, and of which process; nil where it is about the cgroup.
struct WatchUpdate: Sendable {
    /// A process as it is shown.
    struct WatchedProcess: Hashable, Sendable {
        let pid: Int32
        /// What it calls itself, safe to print.
        let command: String?

        /// "bash (pid 4242)"
        var label: String { "\(command ?? "process") (pid \(pid))" }
    }

    enum Event: Sendable {
        case observed(LimitClient.Watch.Event)
        case appeared
        case left
        case failed(RlimitError)
        /// Every process of the cgroup was looked at.
        case looked(processes: Int)
    }

    let watched: WatchedProcess?
    let event: Event
}
