import RlimitKernel

/// Collects the updates of the watch tasks, and their result, for the thread that draws.
final class WatchMailbox: @unchecked Sendable {
    let wakeup: WakeupDescriptor
    private let lock = ConditionLock()
    // Guarded by the lock.
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
        let mustWake = lock.withLock {
            if table.apply(update) { hasChanges = true }
            return hasChanges
        }
        if mustWake { wakeup.signal() }
    }

    func finish(_ result: Result<Void, any Error>) {
        lock.withLock { completion = result }
        wakeup.signal()
    }

    /// Returns the current table, whether it changed since the last call, and the result once the watches have ended.
    func receive() -> (table: LiveTable, hasChanges: Bool, completion: Result<Void, any Error>?) {
        wakeup.reset()
        return lock.withLock {
            defer { hasChanges = false }
            return (table, hasChanges, completion)
        }
    }
}
