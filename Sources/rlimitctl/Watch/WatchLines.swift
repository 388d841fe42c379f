import RlimitClient
import RlimitKernel

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
