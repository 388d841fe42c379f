import RlimitKernel
import RlimitModel
import Synchronization

/// The one thread of a process that waits, for all connections of its tasks, for answers, for room to send, and for
/// deadlines. It starts with the first connection and stays, asleep while there is nothing to do. Tasks that prefer it run on
/// it, and what they ask in one round goes out together.
///
/// A child after fork(2) has one of its own; of the parent's it keeps two descriptors that nobody uses.
final class Reactor: ForkLocalObject, @unchecked Sendable {
    let generation: ForkGeneration
    private let poller: Poller
    private let wakeup: WakeupDescriptor
    // When to wake at the latest, in nanoseconds of the monotonic clock.
    private let nextWakeup = Atomic<UInt64>(.max)
    private let lock = ConditionLock()
    // Guarded by the monitor.
    private var connections: [UInt64: AsyncConnection] = [:]
    private var lastToken: UInt64 = 0
    private var window = Duration.zero
    private var isStarted = false
    private var failure: SystemError?
    // Jobs from other threads.
    private var postedJobs: [UnownedJob] = []
    // Of its thread: who that is, 0 before it runs, and what only it touches. Nothing of this is accessed from within an
    // access to the same.
    private let thread = Atomic<UInt>(0)
    @safe @exclusivity(unchecked) private var jobs: [UnownedJob] = []
    @safe @exclusivity(unchecked) private var senders: [AsyncConnection] = []

    private static let current = ForkLocal<Reactor>()

    /// - Throws: EMFILE, EAGAIN and their like.
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

// By any thread.
extension Reactor {
    func newToken() -> UInt64 {
        lock.withLock {
            lastToken += 1
            return lastToken
        }
    }

    /// Keeps it, and receives what comes, until it is removed.
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

    /// It closes when the last call on it has returned.
    func remove(_ connection: AsyncConnection) {
        let isOurs = lock.withLock {
            defer { updateWindow() }
            return connections.removeValue(forKey: connection.token) != nil
        }
        if isOurs { try? poller.remove(connection.descriptor) }
    }

    /// Calls `resumeSending` of it when there is room.
    func watchWritable(_ connection: AsyncConnection) {
        try? poller.change(connection.descriptor, [.readable, .writable], token: connection.token)
    }

    /// Looks for calls that are late then, if not before.
    func wake(by deadline: MonotonicDeadline) {
        if setNextWakeup(deadline) { wakeup.signal() }
    }

    // True where it is earlier than the one there was.
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

// Tasks that prefer it.
extension Reactor {
    /// Whether its thread is the one that calls.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == DetachedThread.current }

    /// Runs a part of a task, soon. False where its thread has failed.
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

    /// How many wait for their turn. By its thread.
    var jobCount: Int { jobs.count }

    /// Sends what is queued there once those had their turn that wait for it. By its thread.
    func scheduleSend(_ connection: AsyncConnection) { senders.append(connection) }

    // Each has one turn; those that come meanwhile have theirs in the next round. `turn` is empty before and after.
    private func runJobs(_ turn: inout [UnownedJob]) {
        guard !jobs.isEmpty else { return }
        swap(&jobs, &turn)
        for job in turn { unsafe job.runSynchronously(on: ReactorExecutor.shared.asUnownedTaskExecutor()) }
        turn.removeAll(keepingCapacity: true)
        while let connection = senders.popLast() { connection.sendCoalesced() }
    }
}

// By its thread.
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
                // Those that did not wait for anything have their next turn soon.
                guard jobs.isEmpty else {
                    _ = expireCalls()
                    try pollOnce(timeout: .zero)
                    continue
                }
                let isThere = try busyPoll.poll { () throws(SystemError) in try pollOnce(timeout: .zero) > 0 }
                if !isThere {
                    let sleepTime = expireCalls()
                    // Tasks whose calls were late just now have their turn at once.
                    try pollOnce(timeout: jobs.isEmpty ? sleepTime : .zero)
                }
            } catch {
                return fail(error)
            }
        }
    }

    // Nothing that epoll_wait(2) can say leaves it of use: somebody closed what is not theirs.
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

    // How long there is nothing to do.
    private func expireCalls() -> Duration? {
        let now = SystemClock.monotonic
        if nextWakeup.load(ordering: .acquiring) <= now {
            // Whoever asks for an earlier one from now on wakes us again.
            nextWakeup.store(.max, ordering: .sequentiallyConsistent)
            let all = lock.withLock { Array(connections.values) }
            for connection in all { _ = setNextWakeup(connection.expire(at: MonotonicDeadline(at: now))) }
        }
        return MonotonicDeadline(at: nextWakeup.load(ordering: .acquiring)).remaining.map { .nanoseconds($0) }
    }
}

extension SystemError {
    fileprivate static let noThread = SystemError(number: 11, call: "pthread_create")
}
