private import Synchronization

/// Work that may take as long as it likes, on a thread of its own, for a loop that must not wait for it.
///
/// Asked for again while it is under way, it is done once more from the start, and only the last result counts.
package final class BackgroundTask<Value: Sendable>: Sendable {
    private let wakeup: WakeupDescriptor
    private let work: @Sendable () -> Value
    private let state = Mutex(State())

    private struct State {
        var isRunning = false
        var isRerunRequested = false
        var result: Value?
    }

    package init(_ work: @escaping @Sendable () -> Value) throws(SystemError) {
        wakeup = try WakeupDescriptor()
        self.work = work
    }

    /// Readable when there is a result.
    package var descriptor: Int32 { wakeup.number }

    package func start() {
        let mustStart = state.withLock { state in
            state.isRerunRequested = state.isRunning
            defer { state.isRunning = true }
            return !state.isRunning
        }
        // With no thread to spare it is done here: late is better than never.
        if mustStart, !DetachedThread.start({ self.run() }) { run() }
    }

    /// The result, once; nil where there is none yet.
    package func takeResult() -> Value? {
        wakeup.reset()
        return state.withLock { $0.result.take() }
    }

    private func run() {
        while true {
            let value = work()
            let isDone = state.withLock { state in
                if state.isRerunRequested {
                    state.isRerunRequested = false
                    return false
                }
                state.isRunning = false
                state.result = value
                return true
            }
            if isDone { return wakeup.signal() }
        }
    }
}
