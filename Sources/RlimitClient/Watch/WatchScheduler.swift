import RlimitKernel
import RlimitModel

/// The thread that serves all watches of a process: it waits for the time of the next sample, and for processes to end.
///
/// It starts with the first watch and never ends; it sleeps while there is nothing to do.
final class WatchScheduler: ForkLocalObject, @unchecked Sendable {
    let generation: ForkGeneration
    private let poller: Poller
    private let wakeup: WakeupDescriptor
    private let lock = ConditionLock()
    // Guarded by the lock. By due time; samples share due times, so there are few keys.
    private var waiters: [UInt64: [WatchWaiter]] = [:]
    private var exitWatches: [UInt64: ExitWatch] = [:]
    private var lastToken: UInt64 = 0
    private var nextWakeup = UInt64.max
    private var isStarted = false

    // A process whose end a watch waits for.
    private struct ExitWatch {
        let descriptor: Int32
        let waiter: WatchWaiter
    }

    private static let current = ForkLocal<WatchScheduler>()

    /// - Throws: EMFILE, ENFILE, EAGAIN and other errors of the kernel's resources.
    static func forThisProcess() throws(SystemError) -> WatchScheduler {
        let scheduler = try current.object { generation throws(SystemError) in try WatchScheduler(generation) }
        let isRunning = scheduler.lock.withLock {
            if !scheduler.isStarted { scheduler.isStarted = DetachedThread.start { scheduler.run() } }
            return scheduler.isStarted
        }
        if !isRunning { throw SystemError.noThread }
        return scheduler
    }

    private init(_ generation: ForkGeneration) throws(SystemError) {
        self.generation = generation
        poller = try Poller()
        wakeup = try WakeupDescriptor()
        try poller.add(wakeup.number, .readable, token: 0)
    }

    func abandon() {}
}

extension WatchScheduler {
    /// - Throws: `.internalError` with the errno of `forThisProcess()`.
    static func forWatching() throws(RlimitError) -> WatchScheduler {
        do throws(SystemError) { return try forThisProcess() } catch { throw RlimitError(error, about: "a watch") }
    }
}

// MARK: - Called by any thread
extension WatchScheduler {
    /// Wakes the waiter when a process ends. Returns a token of the process, for `stopWatchingExit(_:)`.
    func watchExit(_ process: PinnedProcess, for waiter: WatchWaiter) throws(SystemError) -> UInt64 {
        let descriptor = process.pidfd.descriptor.number
        return try lock.withLock { () throws(SystemError) in
            lastToken += 1
            try poller.add(descriptor, .readable, token: lastToken)
            exitWatches[lastToken] = ExitWatch(descriptor: descriptor, waiter: waiter)
            return lastToken
        }
    }

    /// Must be called before the process's descriptor is closed.
    func stopWatchingExit(_ token: UInt64) { lock.withLock { removeExitWatch(token) } }

    /// Suspends the task until a time of the monotonic clock, until one of the waiter's processes ends, or until the
    /// task is cancelled. Returns the tokens of ended processes.
    func wait(_ waiter: WatchWaiter, until due: UInt64) async -> [UInt64] {
        lock.withLock { waiter.isCancelled = false }
        await withTaskCancellationHandler {
            await withCheckedContinuation { enqueue(waiter, due, $0) }
        } onCancel: {
            cancel(waiter)
        }
        return lock.withLock {
            defer { waiter.exitedTokens = [] }
            return waiter.exitedTokens
        }
    }

    private func enqueue(_ waiter: WatchWaiter, _ due: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        lock.lock()
        guard !waiter.isCancelled, waiter.exitedTokens.isEmpty, due > SystemClock.monotonic else {
            lock.unlock()
            return continuation.resume()
        }
        waiter.continuation = continuation
        waiter.due = due
        waiters[due, default: []].append(waiter)
        let isEarlier = due < nextWakeup
        if isEarlier { nextWakeup = due }
        lock.unlock()
        if isEarlier { wakeup.signal() }
    }

    private func cancel(_ waiter: WatchWaiter) {
        let continuation = lock.withLock {
            waiter.isCancelled = true
            return detach(waiter)
        }
        continuation?.resume()
    }

    // Locked.
    private func detach(_ waiter: WatchWaiter) -> CheckedContinuation<Void, Never>? {
        guard let continuation = waiter.continuation.take() else { return nil }
        waiters[waiter.due]?.removeAll { $0 === waiter }
        if waiters[waiter.due]?.isEmpty == true { waiters[waiter.due] = nil }
        return continuation
    }

    // Locked.
    private func removeExitWatch(_ token: UInt64) {
        guard let process = exitWatches.removeValue(forKey: token) else { return }
        try? poller.remove(process.descriptor)
    }
}

// MARK: - Called by the scheduler's thread
extension WatchScheduler {
    private func run() {
        while true {
            let next = lock.withLock {
                nextWakeup = waiters.keys.min() ?? .max
                return MonotonicDeadline(at: nextWakeup)
            }
            var tokens: [UInt64] = []
            do throws(SystemError) {
                try poller.wait(timeout: next.remaining.map { .nanoseconds($0) }) { event in
                    if event.token == 0 { wakeup.reset() } else { tokens.append(event.token) }
                }
            } catch {
                // After any error of epoll_wait(2) the poller is useless: other code has closed its descriptor. Samples
                // go on without it, and notice ended processes themselves.
                _ = lock.withLock { lock.wait(until: min(next, MonotonicDeadline(after: 10_000_000))) }
            }
            let continuations = lock.withLock { collectDue(tokens) }
            for continuation in continuations { continuation.resume() }
        }
    }

    // Locked. Returns the tasks whose processes have ended, or whose time has come.
    private func collectDue(_ tokens: [UInt64]) -> [CheckedContinuation<Void, Never>] {
        var continuations: [CheckedContinuation<Void, Never>] = []
        for token in tokens {
            guard let waiter = exitWatches[token]?.waiter else { continue }
            removeExitWatch(token)
            waiter.exitedTokens.append(token)
            if let continuation = detach(waiter) { continuations.append(continuation) }
        }
        let now = SystemClock.monotonic
        for due in waiters.keys.filter({ $0 <= now }) {
            for waiter in waiters.removeValue(forKey: due) ?? [] {
                if let continuation = waiter.continuation.take() { continuations.append(continuation) }
            }
        }
        return continuations
    }
}

/// The wait of one watch. The scheduler's lock guards it.
final class WatchWaiter: @unchecked Sendable {
    fileprivate var continuation: CheckedContinuation<Void, Never>?
    fileprivate var due: UInt64 = 0
    fileprivate var isCancelled = false
    fileprivate var exitedTokens: [UInt64] = []
}
