import RlimitKernel
import RlimitModel

/// The one thread of a process that waits, for all of its watches, for the time of the next look and for processes to end. It
/// starts with the first watch and stays, asleep while there is nothing to do.
final class WatchScheduler: ForkLocalObject, @unchecked Sendable {
    let generation: ForkGeneration
    private let poller: Poller
    private let wakeup: WakeupDescriptor
    private let lock = ConditionLock()
    // Guarded by the monitor. By when they are due; not many times, since looks fall together.
    private var waiters: [UInt64: [WatchWaiter]] = [:]
    private var exitWatches: [UInt64: ExitWatch] = [:]
    private var lastToken: UInt64 = 0
    private var nextWakeup = UInt64.max
    private var isStarted = false

    // A process whose end is waited for.
    private struct ExitWatch {
        let descriptor: Int32
        let waiter: WatchWaiter
    }

    private static let current = ForkLocal<WatchScheduler>()

    /// - Throws: EMFILE, EAGAIN and their like.
    static func forThisProcess() throws(SystemError) -> WatchScheduler {
        let scheduler = try current.object { generation throws(SystemError) in try WatchScheduler(generation) }
        let isRunning = scheduler.lock.withLock {
            if !scheduler.isStarted { scheduler.isStarted = DetachedThread.start { scheduler.run() } }
            return scheduler.isStarted
        }
        if !isRunning { throw SystemError(number: 11, call: "pthread_create") }
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
    /// - Throws: `.internalError` with EMFILE and the like.
    static func forWatching() throws(RlimitError) -> WatchScheduler {
        do throws(SystemError) { return try forThisProcess() } catch { throw RlimitError(error, about: "a watch") }
    }
}

// By any thread.
extension WatchScheduler {
    /// Tells the post when a process has ended. The token names it, until it is removed.
    func watchExit(_ process: PinnedProcess, for waiter: WatchWaiter) throws(SystemError) -> UInt64 {
        let descriptor = process.pidfd.descriptor.number
        return try lock.withLock { () throws(SystemError) in
            lastToken += 1
            try poller.add(descriptor, .readable, token: lastToken)
            exitWatches[lastToken] = ExitWatch(descriptor: descriptor, waiter: waiter)
            return lastToken
        }
    }

    /// Before its descriptor is closed.
    func stopWatchingExit(_ token: UInt64) { lock.withLock { removeExitWatch(token) } }

    /// Suspends the task until a time of the monotonic clock, or until one of the post's processes has ended or the task is
    /// cancelled. Returns those that have ended.
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

// By its thread.
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
                // Nothing that epoll_wait(2) can say leaves it of use: somebody closed what is not theirs. Looks go on without,
                // and find out who has ended.
                _ = lock.withLock { lock.wait(until: min(next, MonotonicDeadline(after: 10_000_000))) }
            }
            let continuations = lock.withLock { collectDue(tokens) }
            for continuation in continuations { continuation.resume() }
        }
    }

    // Locked: whose processes have ended, and whose time has come.
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

/// Where one watch waits. Touched only under the lock of the lookout.
final class WatchWaiter: @unchecked Sendable {
    fileprivate var continuation: CheckedContinuation<Void, Never>?
    fileprivate var due: UInt64 = 0
    fileprivate var isCancelled = false
    fileprivate var exitedTokens: [UInt64] = []
}
