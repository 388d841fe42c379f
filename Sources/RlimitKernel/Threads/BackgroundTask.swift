private import Synchronization

/// Runs a blocking function on another thread, for an event loop that must not block.
///
/// A start during a run repeats the function after that run. Only the last result is kept.
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

    /// Readable if there is a result.
    package var descriptor: Int32 { wakeup.number }

    package func start() {
        let mustStart = state.withLock { state in
            state.isRerunRequested = state.isRunning
            defer { state.isRunning = true }
            return !state.isRunning
        }
        // If no thread can be created, the function runs and blocks here.
        if mustStart, !DetachedThread.start({ self.run() }) { run() }
    }

    /// Removes and returns the result. nil if there is none.
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
