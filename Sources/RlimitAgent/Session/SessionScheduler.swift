import Logging
import RlimitKernel
import RlimitModel
import RlimitPolicy

/// Owns the sessions, and decides which one is served next.
struct SessionScheduler: ~Copyable {
    let poller: Poller
    var dispatcher: Dispatcher
    private let log: Logger
    private var quota: ConnectionQuota
    private var sessions = SessionTable()
    private var backlog = Backlog()
    private var lingering = LingeringSessions()
    private var rejected = RejectedConnections()
    private var iteration: UInt64 = 0
    private var unidentifiedPeers = UnidentifiedPeers()
    /// After SIGTERM: the time until which peers may read their last responses.
    private(set) var drainsUntil: BootInstant?

    /// The number of sessions in one iteration of which the kernel is asked what the peer has read, if the buffers take
    /// much memory.
    private static let measurementsPerIteration = 4
    /// The same for ended sessions, in each check for timeouts.
    private static let measurementsOfLingering = 256
    /// How long one long request delays the other sessions in one iteration.
    static let longRequestSlice: Duration = .microseconds(100)

    init(poller: consuming Poller, dispatcher: consuming Dispatcher, maxConnections: Int, log: Logger) {
        self.poller = poller
        self.dispatcher = dispatcher
        self.log = log
        quota = ConnectionQuota(maxConnections: maxConnections)
        countConnections()
    }

    var now: BootInstant { dispatcher.clock.now }
    var isDraining: Bool { drainsUntil != nil }
    /// Whether the drain is over.
    var isDrained: Bool { drainsUntil != nil && sessions.count == 0 }
    /// Whether a session can be served at once.
    var hasReadySessions: Bool { !backlog.isEmpty || dispatcher.longRequests.hasReady }
    /// Whether a session may have to be closed at some time without an event.
    var hasTimeouts: Bool {
        drainsUntil != nil || dispatcher.hasPartialFrames || dispatcher.buffers.waitingSessions > 0
            || !lingering.isEmpty || !rejected.isEmpty
    }

    subscript(token: UInt64) -> Session? { sessions[token] }

    // MARK: Connections

    /// Accepts or rejects a connection.
    mutating func admit(_ socket: consuming StreamSocket) {
        if dispatcher.processes.isOverCapacity { deliverResponses() }
        releaseLingering(checking: Self.measurementsPerIteration)
        var accepted: AcceptedPeer
        do throws(SystemError) {
            accepted = try socket.peer()
        } catch {
            // The peer has gone, or its ids have no meaning here.
            return unidentifiedPeers.record(error, now: now, log)
        }
        let policy = dispatcher.handler.policy
        let tenantUsage: TenantUsage
        do throws(RlimitError) {
            tenantUsage = try quota.reserve(
                for: &accepted.peer, connections: sessions.count, openSockets: openSockets, policy, now: now)
        } catch {
            return reject(socket, accepted.peer, error)
        }
        let peer = accepted.peer
        // If the peer has ended since, its requests are answered NO_SUCH_PROCESS.
        var peerProcess: CachedProcess?
        if let pidfd = accepted.pidfd.take() { peerProcess = try? dispatcher.processes.acquire(LinuxProcess(pidfd)) }
        register(
            Session(
                socket: socket, peer, peerProcess: peerProcess, tenantUsage: tenantUsage,
                mayAttachPidfd: policy.mayTargetOthers(peer)))
    }

    private mutating func reject(_ socket: consuming StreamSocket, _ peer: Peer, _ error: RlimitError) {
        let policy = dispatcher.handler.policy
        let tenant = Tenant(peer, policy)
        let isAnswered =
            quota.takeRejectionToken(for: tenant, policy, now: now) && rejected.hasRoom(for: tenant)
        dispatcher.reject(socket, peer, of: tenant, error, isAnswered: isAnswered)
        if isAnswered { rejected.append(socket, of: tenant) }
        countConnections()
    }

    private mutating func register(_ session: Session) {
        session.token = sessions.insert(session)
        dispatcher.handler.statistics.acceptedConnections += 1
        countConnections()
        do throws(SystemError) {
            try poller.add(session.socket.descriptor.number, .readable, token: session.token)
        } catch {
            log.error("cannot watch a connection: \(error)")
            close(session)
        }
    }

    private mutating func close(_ session: Session) {
        guard sessions.remove(session.token) else { return }
        // After a drain, the next agent takes over the leases of connections.
        if drainsUntil == nil { dispatcher.expireLeases(of: session) }
        dispatcher.releaseResources(of: session)
        defer { countConnections() }
        // Closing the socket removes it from the poller. A session that lingers is removed here.
        guard drainsUntil == nil, session.buffers.mayHaveUnread,
            (try? poller.remove(session.socket.descriptor.number)) != nil
        else { return release(session) }
        session.socket.shutDown()
        lingering.append(session)
    }

    private mutating func release(_ session: Session) {
        dispatcher.buffers.release(session)
        quota.release(session, now: now)
    }

    // Releases the connections of ended sessions whose peers have read everything.
    private mutating func releaseLingering(checking count: Int) {
        guard !lingering.isEmpty else { return }
        for session in lingering.removeFinished(checking: count) { release(session) }
        countConnections()
    }

    // The sockets of connections, including those of ended connections that are not closed yet.
    private var openSockets: Int {
        sessions.count + lingering.count + rejected.count + StreamSocket.pendingCloseCount
    }

    private mutating func countConnections() {
        dispatcher.handler.statistics.connections = UInt64(sessions.count)
        dispatcher.processes.setSocketCount(openSockets)
    }

    /// Takes over another policy.
    mutating func adopt(_ policy: Policy) {
        dispatcher.handler.adopt(policy)
        for token in sessions.tokens {
            guard let session = sessions[token] else { continue }
            session.mayAttachPidfd = dispatcher.handler.policy.mayTargetOthers(session.peer)
        }
    }

    // MARK: Turns

    /// Begins an iteration of the event loop, with the sessions from the backlog. They come before all others, so that
    /// no session is deferred forever.
    mutating func beginIteration() {
        iteration &+= 1
        if dispatcher.buffers.needsMeasurements { measureSomeSessions() }
        guard !backlog.isEmpty else { return }
        dispatcher.clock.update()
        for token in backlog.takeAll() {
            guard let session = sessions[token] else { continue }
            session.isInBacklog = false
            if session.hasCompleteFrames || session.isDeferred { serve(token) }
        }
        deliverResponses()
    }

    /// Serves a session: receives and processes its requests.
    ///
    /// - Parameter isClosed: The poller reported that both directions of the connection are closed.
    mutating func serve(_ token: UInt64, isClosed: Bool = false) {
        guard let session = sessions[token] else { return }
        // No response can be sent any more. A session whose reading is paused must be closed here. For any other one,
        // the next read reports the end.
        if isClosed && session.isReadingPaused { return close(session) }
        guard session.tenantUsage.hasTime(inIteration: iteration) else {
            session.isDeferred = true
            return backlog.append(session)
        }
        session.isDeferred = false
        let start = now
        dispatcher.processInput(of: session)
        finishTurn(of: session, since: start)
    }

    /// Serves a session if its peer has sent something. Costs one call of recv(2) if not.
    mutating func serveIfReady(_ session: Session) -> Bool {
        let start = now
        guard session.isAwaitingRequest, dispatcher.hasRoom(for: session),
            dispatcher.processInput(of: session, onlyIfReady: true)
        else { return false }
        finishTurn(of: session, since: start)
        return true
    }

    private mutating func finishTurn(of session: Session, since start: BootInstant) {
        charge(session, since: start)
        if dispatcher.isFull { deliverResponses() }
    }

    private mutating func charge(_ session: Session, since start: BootInstant) {
        dispatcher.clock.update()
        session.tenantUsage.charge(now.nanoseconds(since: start), inIteration: iteration)
    }

    /// Sends the responses to all sessions that were served.
    mutating func deliverResponses() {
        dispatcher.beginDelivery()
        for place in dispatcher.replies.deliveries.indices {
            let delivery = dispatcher.replies.deliveries[place]
            let session = delivery.session
            guard sessions[session.token] != nil else { continue }
            let start = now
            let nextStep = dispatcher.deliver(delivery)
            charge(session, since: start)
            apply(nextStep, to: session)
        }
        dispatcher.finishDelivery()
        if dispatcher.processes.isOverCapacity {
            dispatcher.processes.evictIdleProcesses(among: &sessions, tenants: quota.tenantCount)
        }
    }

    private mutating func apply(_ nextStep: Session.NextStep, to session: Session) {
        switch nextStep {
        case .read: watch(session, for: .readable)
        case .write: watch(session, for: .writable)
        case .wait: watch(session, for: [])
        case .continueProcessing:
            watch(session, for: .readable)
            backlog.append(session)
        case .close: return close(session)
        }
        // The kernel may still hold requests of a session that was deferred since.
        if drainsUntil != nil && session.isIdle && !session.isDeferred { close(session) }
    }

    private mutating func watch(_ session: Session, for interest: Poller.Interest) {
        guard session.interest != interest else { return }
        do throws(SystemError) {
            try poller.change(session.socket.descriptor.number, interest, token: session.token)
            session.interest = interest
        } catch {
            log.error("cannot watch a connection: \(error)")
            close(session)
        }
    }

    /// Advances one long request by a slice. Long requests with peers that do not accept the responses wait.
    mutating func advanceLongRequest() {
        guard let session = dispatcher.longRequests.next() else { return }
        do throws(SystemError) {
            if try dispatcher.advanceLongRequest(of: session, until: .now + Self.longRequestSlice) {
                return serve(session.token)
            }
            if !session.isOutputDrained { return watch(session, for: .writable) }
            if session.isReadingPaused { watch(session, for: []) }
        } catch {
            close(session)
        }
    }

    // MARK: Timeouts

    /// Serves what has been sent, and closes all sessions within this time.
    mutating func drain(within time: Duration) {
        drainsUntil = .now + time
        for token in sessions.tokens { serve(token) }
        deliverResponses()
    }

    /// Closes the sessions that have waited too long.
    mutating func closeTimedOutSessions() {
        releaseLingering(checking: Self.measurementsOfLingering)
        rejected.removeFinished()
        countConnections()
        for token in sessions.tokens {
            guard let session = sessions[token] else { continue }
            if session.buffers.isWaiting || session.tenantUsage.sessionsWithoutRoom > 0 { checkBuffers(of: session) }
            let isDrainOver = drainsUntil.map { now >= $0 } ?? false
            switch PeerTimeout(of: session, now: now) {
            case .longRequest where !isDrainOver:
                dispatcher.giveUpLongRequest(of: session)
            case .longRequest, nil:
                if isDrainOver { close(session) }
            case let timeout?:
                dispatcher.end(session, because: timeout)
                close(session)
            }
        }
    }

    // Counts what the peer has read, and continues a session that waits for room if there is room now.
    private mutating func checkBuffers(of session: Session) {
        dispatcher.buffers.measure(session, now: now)
        guard session.buffers.waitsForRoomSince != nil, dispatcher.hasRoom(for: session) else { return }
        dispatcher.buffers.endWait(of: session, now: now)
        session.isDeferred = true
        backlog.append(session)
    }

    // The counts are estimates, which only grow until the kernel is asked.
    private mutating func measureSomeSessions() {
        for _ in 0..<Self.measurementsPerIteration {
            if let session = sessions.next() { dispatcher.buffers.measure(session, now: now) }
        }
    }
}
