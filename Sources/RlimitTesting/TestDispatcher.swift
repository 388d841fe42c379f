import RlimitAgent
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

/// What one agent knows and decides. Its thread answers here, and tests look and give orders.
final class TestDispatcher: @unchecked Sendable {
    /// Wakes the agent's thread, for orders.
    let wakeup: WakeupDescriptor
    // Everything below is touched only while this is locked, but for the decoder and the encoder, which are the thread's.
    let monitor = ConditionLock()
    var handler: RequestHandler
    var processes: ProcessTable
    var clock = AgentClock()
    var bucket: TokenBucket
    var failures: [RlimitError] = []
    private var isStopping = false
    private var ordersToDrop: UInt64 = 0
    private var drops: UInt64 = 0
    var decoder = RequestDecoder()
    var encoder = ResponseEncoder()

    init(policy: Policy, start: Limits) throws(SystemError) {
        wakeup = try WakeupDescriptor()
        let features: [Feature] = [.batch, .explain, .pidfd, .usage, .leases, .cgroups, .pods]
        // The process of the test is no agent: its limits may be changed.
        let facts = AgentFacts(
            pid: 0, kernelRelease: SystemInfo.kernelRelease,
            openFilesCeiling: Policy.standardOpenFilesCeiling.rawValue, canRaise: true,
            features: features.map(\.rawValue))
        let nowhere = LogSink(format: .text) { bytes in bytes.count }
        handler = RequestHandler(policy: policy, facts: facts, audit: AuditLog(sink: nowhere))
        processes = ProcessTable(start: start)
        bucket = TokenBucket(ratePerSecond: policy.quota.requestsPerSecond, now: clock.now)
    }

    /// What is to be told of a connection before anything is read from it.
    func admitConnection(_ who: consuming AcceptedPeer, besides present: Int) throws(RlimitError) -> SimulatedProcess? {
        monitor.lock()
        defer { monitor.unlock() }
        let limit = handler.policy.quota.connections
        guard present < limit else {
            throw RlimitError(
                .quotaExceeded,
                message: "uid \(who.peer.uid) has \(limit) connections or more, and may have no more now")
        }
        handler.statistics.acceptedConnections += 1
        return processes.connected(who)
    }

    /// So many connections are open.
    func count(connections: Int) { monitor.withLock { handler.statistics.connections = UInt64(connections) } }
}

// Orders of the test.
extension TestDispatcher {
    func limits(of pid: Int32) -> Limits { monitor.withLock { processes.known(pid)?.limits ?? processes.start } }

    func failNext(with error: RlimitError) { monitor.withLock { failures.append(error) } }

    func advance(by duration: Duration) {
        monitor.withLock {
            clock.advance(by: duration)
            handler.leases.clockAhead = clock.ahead
            endExpiredLeases()
        }
    }

    /// Returns when all connections are closed.
    func dropConnections() {
        monitor.lock()
        defer { monitor.unlock() }
        ordersToDrop += 1
        let order = ordersToDrop
        wakeup.signal()
        while drops < order, !isStopping { _ = monitor.wait(until: .never) }
    }

    func stop() {
        monitor.withLock { isStopping = true }
        wakeup.signal()
    }

    /// What the agent's thread is to do.
    enum Order {
        case none, stop
        /// To be followed by `dropped(upTo:)`.
        case drop(UInt64)
    }

    var order: Order {
        monitor.withLock { isStopping ? .stop : drops < ordersToDrop ? .drop(ordersToDrop) : .none }
    }

    func dropped(upTo order: UInt64) {
        monitor.withLock {
            drops = order
            monitor.broadcast()
        }
    }
}
