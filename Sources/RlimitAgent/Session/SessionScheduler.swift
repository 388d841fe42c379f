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
    private var iteration: UInt64 = 0
    private var unidentifiedPeers = UnidentifiedPeers()
    /// After SIGTERM: the time until which peers may read their last responses.
    private(set) var drainsUntil: BootInstant?

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
    var hasReadySessions: Bool { !backlog.isEmpty || dispatcher.longRequests.hasReady(in: sessions) }
    /// Whether a session may have to be closed at some time without an event.
    var hasTimeouts: Bool { drainsUntil != nil || dispatcher.hasPartialFrames || !dispatcher.longRequests.isEmpty }

    subscript(token: UInt64) -> Session? { sessions[token] }

    // MARK: Connections

    /// Accepts or rejects a connection.
    mutating func admit(_ socket: consuming StreamSocket) {
        if dispatcher.processes.isOverCapacity { deliverResponses() }
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
            return dispatcher.reject(socket, accepted.peer, error)
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
        // Closing the socket removes it from the poller too.
        guard sessions.remove(session.token) else { return }
        // After a drain, the next agent takes over the leases of connections.
        if drainsUntil == nil { dispatcher.expireLeases(of: session) }
        dispatcher.releaseResources(of: session)
        quota.release(session, now: now)
        countConnections()
    }

    // The sockets of connections, including those of ended connections that are not closed yet.
    private var openSockets: Int { sessions.count + StreamSocket.pendingCloseCount }

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
        // No response can be sent any more. If the session reads, the read reports this.
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
        guard session.isAwaitingRequest, dispatcher.processInput(of: session, onlyIfReady: true) else { return false }
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
            let start = now
            let nextStep = dispatcher.deliver(delivery)
            charge(session, since: start)
            if sessions[session.token] != nil { apply(nextStep, to: session) }
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
        guard let session = dispatcher.longRequests.next(in: sessions) else { return }
        do throws(SystemError) {
            if try dispatcher.advanceLongRequest(of: session, until: .now + Self.longRequestSlice) {
                return serve(session.token)
            }
            if !session.isOutputDrained { watch(session, for: .writable) }
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
        for token in sessions.tokens {
            guard let session = sessions[token] else { continue }
            if let since = session.partialFrameSince, now - since > Session.frameTimeout {
                dispatcher.timeOut(session)
                close(session)
            } else if let longRequest = session.longRequest, now > longRequest.deadline, !session.isOutputDrained {
                // The peer does not accept the responses, and a long request takes one of few places.
                close(session)
            } else if let drainsUntil, now >= drainsUntil {
                close(session)
            }
        }
    }
}
