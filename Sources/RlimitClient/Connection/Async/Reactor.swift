import RlimitKernel
import RlimitModel
import Synchronization

/// The thread that serves all `AsyncConnection`s of a process: it waits for responses, for room in socket buffers, and
/// for deadlines.
///
/// It starts with the first connection and never ends; it sleeps while there is nothing to do. Tasks that prefer
/// `LimitClient.executor` run on it, and the calls that they make in one round are sent together.
///
/// A child after fork(2) has its own reactor. Two descriptors of the parent's reactor stay open in it, unused.
final class Reactor: ForkLocalObject, @unchecked Sendable {
    let generation: ForkGeneration
    private let poller: Poller
    private let wakeup: WakeupDescriptor
    // The next wakeup, in nanoseconds of the monotonic clock.
    private let nextWakeup = Atomic<UInt64>(.max)
    private let lock = ConditionLock()
    // Guarded by the lock.
    private var connections: [UInt64: AsyncConnection] = [:]
    private var lastToken: UInt64 = 0
    private var window = Duration.zero
    private var isStarted = false
    private var failure: SystemError?
    // Jobs from other threads.
    private var postedJobs: [UnownedJob] = []
    // The id of its thread, 0 before the thread runs; and the state that only the thread accesses. No access to that
    // state happens during another access to the same property.
    private let thread = Atomic<UInt>(0)
    @safe @exclusivity(unchecked) private var jobs: [UnownedJob] = []
    @safe @exclusivity(unchecked) private var senders: [AsyncConnection] = []

    private static let current = ForkLocal<Reactor>()

    /// - Throws: EMFILE, ENFILE, EAGAIN and other errors of the kernel's resources.
    static func forThisProcess() throws(SystemError) -> Reactor {
        let reactor = try current.object { generation throws(SystemError) in try Reactor(generation) }
        try reactor.start()
        return reactor
    }

    private init(_ generation: ForkGeneration) throws(SystemError) {
        self.generation = generation
        poller = try Poller()
        wakeup = try WakeupDescriptor()
        try poller.add(wakeup.number, .readable, token: 0)
    }

    private func start() throws(SystemError) {
        let isRunning = lock.withLock {
            if !isStarted { isStarted = DetachedThread.start { self.run() } }
            return isStarted
        }
        if !isRunning { throw .noThread }
    }

    func abandon() {}
}

// MARK: - Called by any thread
extension Reactor {
    func newToken() -> UInt64 {
        lock.withLock {
            lastToken += 1
            return lastToken
        }
    }

    /// Keeps the connection and receives for it until it is removed.
    func add(_ connection: AsyncConnection) throws(SystemError) {
        try lock.withLock { () throws(SystemError) in
            if let failure { throw failure }
            connections[connection.token] = connection
            updateWindow()
        }
        do throws(SystemError) {
            try poller.add(connection.descriptor, .readable, token: connection.token)
        } catch {
            lock.withLock { connections[connection.token] = nil }
            throw error
        }
    }

    /// Releases the connection. It closes when the last call on it has returned.
    func remove(_ connection: AsyncConnection) {
        let isOurs = lock.withLock {
            defer { updateWindow() }
            return connections.removeValue(forKey: connection.token) != nil
        }
        if isOurs { try? poller.remove(connection.descriptor) }
    }

    /// Calls `resumeSending()` of the connection when its socket buffer has room.
    func watchWritable(_ connection: AsyncConnection) {
        try? poller.change(connection.descriptor, [.readable, .writable], token: connection.token)
    }

    /// Wakes up at the deadline at the latest, to end expired calls.
    func wake(by deadline: MonotonicDeadline) {
        if setNextWakeup(deadline) { wakeup.signal() }
    }

    // Returns whether the deadline is earlier than the known one.
    private func setNextWakeup(_ deadline: MonotonicDeadline) -> Bool {
        var known = nextWakeup.load(ordering: .relaxed)
        while deadline.nanoseconds < known {
            let (isSet, other) = nextWakeup.compareExchange(
                expected: known, desired: deadline.nanoseconds, ordering: .acquiringAndReleasing)
            if isSet { return true }
            known = other
        }
        return false
    }

    // Locked.
    private func updateWindow() { window = connections.values.lazy.map(\.busyPolling).max() ?? .zero }
}

// MARK: - Tasks on the reactor
extension Reactor {
    /// Whether the calling thread is the reactor's.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == DetachedThread.current }

    /// Runs a job soon. Returns false if the reactor has failed.
    func enqueue(_ job: UnownedJob) -> Bool {
        if isCurrent {
            jobs.append(job)
            return true
        }
        let (isAccepted, isFirst) = lock.withLock {
            guard failure == nil else { return (false, false) }
            postedJobs.append(job)
            return (true, postedJobs.count == 1)
        }
        if isFirst { wakeup.signal() }
        return isAccepted
    }

    /// The number of waiting jobs. Called by the reactor's thread.
    var jobCount: Int { jobs.count }

    /// Sends the connection's queued calls after the waiting jobs have run. Called by the reactor's thread.
    func scheduleSend(_ connection: AsyncConnection) { senders.append(connection) }

    // Runs each waiting job once. Jobs that are enqueued meanwhile run in the next round. `turn` is empty before and
    // after.
    private func runJobs(_ turn: inout [UnownedJob]) {
        guard !jobs.isEmpty else { return }
        swap(&jobs, &turn)
        for job in turn { unsafe job.runSynchronously(on: ReactorExecutor.shared.asUnownedTaskExecutor()) }
        turn.removeAll(keepingCapacity: true)
        while let connection = senders.popLast() { connection.sendCoalesced() }
    }
}

// MARK: - Called by the reactor's thread
extension Reactor {
    private func run() {
        thread.store(DetachedThread.current, ordering: .relaxed)
        var round: [UnownedJob] = []
        var busyPoll = BusyPoll.off
        var busyPollWindow = Duration.zero
        while true {
            let wanted = lock.withLock {
                if !postedJobs.isEmpty {
                    jobs += postedJobs
                    postedJobs.removeAll(keepingCapacity: true)
                }
                return window
            }
            if wanted != busyPollWindow {
                busyPoll = wanted > .zero ? BusyPoll(upTo: wanted) : .off
                busyPollWindow = wanted
            }
            do throws(SystemError) {
                runJobs(&round)
                // Jobs that yielded without waiting run again soon.
                guard jobs.isEmpty else {
                    _ = expireCalls()
                    try pollOnce(timeout: .zero)
                    continue
                }
                let isThere = try busyPoll.poll { () throws(SystemError) in try pollOnce(timeout: .zero) > 0 }
                if !isThere {
                    let sleepTime = expireCalls()
                    // Tasks whose calls have just expired run at once.
                    try pollOnce(timeout: jobs.isEmpty ? sleepTime : .zero)
                }
            } catch {
                return fail(error)
            }
        }
    }

    // After any error of epoll_wait(2) the reactor is useless: other code has closed its descriptor.
    private func fail(_ error: SystemError) {
        let all = lock.withLock {
            failure = error
            jobs += postedJobs
            return Array(connections.values)
        }
        thread.store(0, ordering: .relaxed)
        for connection in all { connection.fail(.connectionLost(connection.agentSocket, error.description)) }
        for job in jobs { ReactorExecutor.shared.enqueue(ExecutorJob(job)) }
    }

    @discardableResult
    private func pollOnce(timeout: Duration?) throws(SystemError) -> Int {
        try poller.wait(timeout: timeout) { event in
            if event.token == 0 { return wakeup.reset() }
            guard let connection = lock.withLock({ connections[event.token] }) else { return }
            if event.isWritable {
                try? poller.change(connection.descriptor, .readable, token: event.token)
                connection.resumeSending()
            }
            if event.isReadable || event.isClosed { connection.receive() }
        }
    }

    // Ends expired calls, and returns the time until the next deadline.
    private func expireCalls() -> Duration? {
        let now = SystemClock.monotonic
        if nextWakeup.load(ordering: .acquiring) <= now {
            // A call with an earlier deadline wakes the reactor again from now on.
            nextWakeup.store(.max, ordering: .sequentiallyConsistent)
            let all = lock.withLock { Array(connections.values) }
            for connection in all { _ = setNextWakeup(connection.expire(at: MonotonicDeadline(at: now))) }
        }
        return MonotonicDeadline(at: nextWakeup.load(ordering: .acquiring)).remaining.map { .nanoseconds($0) }
    }
}
