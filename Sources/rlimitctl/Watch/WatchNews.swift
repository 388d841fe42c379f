import RlimitClient
import RlimitKernel

/// What came of a watch, and of which process; nil where it is about the cgroup.
struct WatchNews: Sendable {
    /// A process as it is shown.
    struct Who: Hashable, Sendable {
        let pid: Int32
        /// What it calls itself, safe to print.
        let command: String?

        /// "bash (pid 4242)"
        var label: String { "\(command ?? "process") (pid \(pid))" }
    }

    enum What: Sendable {
        case seen(LimitClient.Watch.Event)
        case appeared
        case left
        case failed(RlimitError)
        /// Every process of the cgroup was looked at.
        case looked(processes: Int)
    }

    let who: Who?
    let what: What
}
