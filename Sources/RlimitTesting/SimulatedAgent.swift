import RlimitAgent
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

/// The state and the decisions of one agent for tests: rlimitd's own request handler, over simulated processes.
struct SimulatedAgent: ~Copyable {
    private var handler: RequestHandler
    private var processes: ProcessTable
    private var clock = AgentClock()
    private var bucket: TokenBucket
    private var failures: [RlimitError] = []

    init(policy: Policy, processes: ProcessTable) {
        let features: [Feature] = [.batch, .explain, .pidfd, .usage, .leases, .cgroups, .pods, .pidIdentity]
        // No process is the agent, so that a test can change the limits of its own process.
        let facts = AgentFacts(
            pid: 0, kernelRelease: SystemInfo.kernelRelease,
            openFilesCeiling: Policy.standardOpenFilesCeiling.rawValue, canRaise: true,
            features: features.map(\.rawValue))
        let discarded = LogSink(format: .text) { bytes in bytes.count }
        handler = RequestHandler(policy: policy, facts: facts, audit: AuditLog(sink: discarded))
        self.processes = processes
        bucket = TokenBucket(ratePerSecond: policy.quota.requestsPerSecond, now: clock.now)
    }

    // MARK: Orders of the test

    func limits(of pid: Int32) -> Limits { processes.known(pid)?.limits ?? processes.start }

    mutating func failNext(with error: RlimitError) { failures.append(error) }

    mutating func advanceClock(by duration: Duration) {
        clock.advance(by: duration)
        handler.leases.clockAhead = clock.ahead
        endExpiredLeases()
    }

    // MARK: Connections

    /// Admits a connection, before anything is read from it.
    ///
    /// - Returns: The process that connected; nil where it has no pid here, or has ended.
    mutating func admitConnection(
        _ accepted: consuming AcceptedPeer, besides connections: Int
    ) throws(RlimitError) -> SimulatedProcess? {
        let limit = handler.policy.quota.connections
        guard connections < limit else { throw .tooManyConnections(uid: accepted.peer.uid, limit: limit) }
        handler.statistics.acceptedConnections += 1
        return processes.connected(accepted)
    }

    mutating func setConnectionCount(_ count: Int) { handler.statistics.connections = UInt64(count) }

    mutating func countRequest() { handler.statistics.requests += 1 }

    mutating func countFault() { handler.statistics.faults += 1 }

    // MARK: Requests

    /// The reply to one request, and to no request while the test has ordered an error.
    mutating func reply(
        to request: Request, of session: TestSession, with descriptor: consuming FileDescriptor?
    ) throws(RlimitError) -> Reply {
        // A client asks by itself how to name other processes, before the request that the test means.
        if !failures.isEmpty, request.operation != .serverInfo { throw failures.removeFirst() }
        switch descriptor {
        case .some where request.operation.target != .attachedPidfd: throw .unnamedDescriptor
        default: break
        }
        try checkPreconditions(request, of: session)
        if try request.cgroupTarget() != nil { return replyForEachProcess(request, of: session) }
        let process: SimulatedProcess
        switch request.operation.target {
        case nil where request.operation.isAboutLeases: return try reply(aboutLeases: request, of: session)
        case nil: return try replyAboutAgent(request, of: session)
        case .caller:
            guard let peerProcess = session.peerProcess else { throw .peerNotVisible }
            process = peerProcess
        case .pid(let pid):
            guard session.peer.sharesNamespace else { throw .pidOfOtherNamespace(pid) }
            process = try processes.named(pid)
        case .identifiedPID(let named):
            guard session.peer.sharesNamespace else { throw .pidOfOtherNamespace(named.pid) }
            process = try processes.named(named.pid)
            guard try process.isIdentified(by: named) else { throw .pidReused(named.pid) }
        case .attachedPidfd: process = try processes.process(receivedPidfd: descriptor)
        case .cgroup, .pod: throw RlimitError(.internalError)
        }
        return try handler.handle(
            request, from: session.peer, on: process, isPeer: process === session.peerProcess,
            requester: requester(session))
    }

    // The order of these checks decides which error a client gets, as in rlimitd.
    private mutating func checkPreconditions(_ request: Request, of session: TestSession) throws(RlimitError) {
        let rate = handler.policy.quota.requestsPerSecond
        if let wait = bucket.takeToken(ratePerSecond: rate, now: clock.now) {
            handler.statistics.refusals += 1
            throw .rateExceeded(ratePerSecond: rate, retryAfter: wait)
        }
        guard !session.peer.hasMixedIDs || request.operation == .serverInfo else { throw Policy.mixedIDs(session.peer) }
    }

    private mutating func replyAboutAgent(_ request: Request, of session: TestSession) throws(RlimitError) -> Reply {
        let reply = try handler.handle(request, from: session.peer)
        guard case .stats(var statistics) = reply else { return reply }
        statistics.uptime += clock.ahead
        return .stats(statistics)
    }

    private mutating func replyForEachProcess(_ request: Request, of session: TestSession) -> Reply {
        var results: [ProcessResult] = []
        for process in processes.living {
            do throws(RlimitError) {
                let reply = try handler.handle(
                    request, from: session.peer, on: process, isPeer: process === session.peerProcess,
                    isFromCgroupScan: true)
                results.append(ProcessResult(pid: process.pid, .success(reply)))
            } catch {
                guard error.code != .noSuchProcess else { continue }
                results.append(ProcessResult(pid: process.pid, .failure(error)))
            }
        }
        return .processes(results, isIncomplete: false)
    }

    // MARK: Leases

    private func requester(_ session: TestSession) -> LeaseRequester {
        LeaseRequester(
            session.peer, process: try? session.peerProcess?.birth(), session: session.token, policy: handler.policy)
    }

    private mutating func reply(aboutLeases request: Request, of session: TestSession) throws(RlimitError) -> Reply {
        endExpiredLeases()
        if request.operation == .leaseList { return try handler.listLeases(request, for: requester(session)) }
        let identity = try handler.leases.process(ofLeaseIn: request)
        guard let process = running(identity) else {
            _ = handler.leases.processEnded(identity)
            throw .leasedProcessEnded
        }
        return try handler.handle(
            request, from: requester(session), on: process, isPeer: process === session.peerProcess)
    }

    /// Ends the leases that last as long as a connection which has closed.
    mutating func disconnected(_ session: UInt64) {
        handler.leases.disconnected(session)
        endExpiredLeases()
    }

    /// The time until the next lease ends; nil where none ends by time.
    mutating func timeToNextExpiry() -> Duration? { handler.leases.nextExpiry().map { max(.zero, $0 - clock.now) } }

    /// Ends the leases that are due, and those of ended processes.
    mutating func endExpiredLeases() {
        for identity in handler.leases.leasedProcesses where running(identity) == nil {
            _ = handler.leases.processEnded(identity)
        }
        while let due = handler.leases.nextExpired() {
            if let process = running(due.process) {
                _ = handler.leases.restoreLimits(due.id, on: process)
            } else {
                _ = handler.leases.processEnded(due.process)
            }
        }
    }

    private func running(_ identity: ProcessIdentity) -> SimulatedProcess? {
        guard let process = processes.known(identity.pid), (try? process.birth()) == identity else { return nil }
        return process
    }
}

/// The agent's clock: the boot clock, and the time by which the test has moved it on.
private struct AgentClock {
    private(set) var ahead: Duration = .zero

    var now: BootInstant { .now + ahead }

    mutating func advance(by duration: Duration) { ahead += max(.zero, duration) }
}
