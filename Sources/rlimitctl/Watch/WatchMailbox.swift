import RlimitKernel

/// Where tasks leave what they see, and how it ended, for the thread that draws.
final class WatchMailbox: @unchecked Sendable {
    let wakeup: WakeupDescriptor
    private let monitor = ConditionLock()
    // Guarded by the monitor.
    private var table: LiveTable
    private var hasChanges = false
    private var completion: Result<Void, any Error>?

    init(_ table: LiveTable) throws {
        self.table = table
        do throws(SystemError) { wakeup = try WakeupDescriptor() } catch {
            throw Failure("cannot wait for events: \(error)")
        }
    }

    func post(_ update: WatchUpdate) {
        let mustWake = monitor.withLock {
            if table.apply(update) { hasChanges = true }
            return hasChanges
        }
        if mustWake { wakeup.signal() }
    }

    func finish(_ result: Result<Void, any Error>) {
        monitor.withLock { completion = result }
        wakeup.signal()
    }

    /// What there is to draw now, whether it is new, and whether it is over.
    func receive() -> (table: LiveTable, hasChanges: Bool, completion: Result<Void, any Error>?) {
        wakeup.reset()
        return monitor.withLock {
            defer { hasChanges = false }
            return (table, hasChanges, completion)
        }
    }
}
