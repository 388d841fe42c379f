import RlimitKernel

/// Where tasks leave what they see, and how it ended, for the thread that draws.
final class LiveBoard: @unchecked Sendable {
    let wakeup: WakeupDescriptor
    private let monitor = Monitor()
    // Guarded by the monitor.
    private var table: LiveTable
    private var isFresh = false
    private var ending: Result<Void, any Error>?

    init(_ table: LiveTable) throws {
        self.table = table
        do throws(SystemError) { wakeup = try WakeupDescriptor() } catch {
            throw Failure("cannot wait for events: \(error)")
        }
    }

    func take(_ news: WatchNews) {
        let isDue = monitor.locked {
            if table.take(news) { isFresh = true }
            return isFresh
        }
        if isDue { wakeup.signal() }
    }

    func end(_ result: Result<Void, any Error>) {
        monitor.locked { ending = result }
        wakeup.signal()
    }

    /// What there is to draw now, whether it is new, and whether it is over.
    func look() -> (table: LiveTable, isFresh: Bool, ending: Result<Void, any Error>?) {
        wakeup.reset()
        return monitor.locked {
            defer { isFresh = false }
            return (table, isFresh, ending)
        }
    }
}
