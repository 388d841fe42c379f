import Logging
package import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile

/// The loop: one thread, one epoll, everyone served in turn.
package struct Agent: ~Copyable {
    private let poller: Poller
    private let signals: SignalSource
    private let listener: Listener
    private var desk: Desk
    // Names of users may be asked of a directory that takes its time.
    private let reloading: BackgroundTask<Result<LoadedPolicy, PolicyFileError>>
    private var supervisor: Supervisor
    private let sink: LogSink
    private let log: Logger
    private let limits: ConnectionLimits

    private var sessions = SessionTable()
    private var tenants = Tenants()
    private var groupBudget = GroupBudget()
    // Sessions that have whole frames left for the next turn, or were put off to it.
    private var backlog: [UInt64] = []
    private var turn: UInt64 = 0
    // Until then nobody is accepted, for there was no descriptor left.
    private var acceptsAgainAt: Moment?
    // After SIGTERM: until then peers may take their last responses.
    private var drainsUntil: Moment?
    private var tickAt = Moment.now
    private var busyPoll: BusyPoll
    // The session that was the only one to call when somebody called last.
    private var caller: UInt64?

    private enum Token {
        static let listener: UInt64 = 1
        static let signals: UInt64 = 2
        static let reloading: UInt64 = 3
        static let leases: UInt64 = 4
        /// Greater ones are sessions'.
        static let last: UInt64 = 4
    }

    /// How often the loop looks after what has waited too long, while there is such a thing.
    private static let tick: Duration = .milliseconds(500)
    private static let drainTime: Duration = .seconds(2)
    private static let acceptPause: Duration = .milliseconds(100)
    /// Connections accepted in one turn, so that those who are connected get theirs.
    private static let acceptsPerTurn = 64
    /// After this long, none is accepted in this turn any more: the kernel may take many milliseconds to show who it is.
    private static let acceptTime: Duration = .milliseconds(1)
    /// Looks at the session that called last, while polling, for each at everyone.
    private static let looksAtCaller = 8
    /// How long what takes longer than a turn may keep all others waiting in one.
    private static let errandSlice: Duration = .microseconds(100)

    init(_ parts: consuming AgentParts) throws(SystemError) {
        // What can fail comes first.
        let poller = try Poller()
        let leases = try LeaseWatch()
        let loader = parts.loader
        let reloading = try BackgroundTask { Result { () throws(PolicyFileError) in try loader.load() } }
        try poller.add(parts.signals.descriptor.number, .readable, token: Token.signals)
        try poller.add(parts.listener.descriptor.number, .readable, token: Token.listener)
        try poller.add(reloading.descriptor, .readable, token: Token.reloading)
        try poller.add(leases.descriptor, .readable, token: Token.leases)
        var desk = Desk(
            handler: RequestHandler(
                policy: parts.policy, facts: parts.facts, audit: Audit(sink: parts.sink), leases: parts.leases),
            budget: parts.budget, leases: leases)
        try desk.adoptLeases()
        self.desk = desk
        self.poller = poller
        self.reloading = reloading
        signals = parts.signals
        listener = parts.listener
        supervisor = parts.supervisor
        sink = parts.sink
        log = parts.log
        limits = ConnectionLimits(all: parts.budget.connections)
        busyPoll = BusyPoll(upTo: parts.busyPoll)
        countConnections()
    }

    // How many events there are, after looking for some before sleeping where that is wanted and pays. None where the session that
    // called last has called again: that is seen by looking at it alone, and it has been served.
    private mutating func wait() throws(SystemError) -> Int {
        let timeout = timeToWait
        guard timeout != .zero, busyPoll.shouldPoll() else { return try poller.wait(timeout: timeout) }
        // First everyone, each time: so who calls in a hurry is ahead of nobody else by more than one turn.
        var count = try poller.wait(timeout: .zero)
        guard count == 0 else {
            busyPoll.found(afterFirst: false)
            return count
        }
        let caller = caller.flatMap { sessions[$0] }
        desk.now = .now
        let start = desk.now
        repeat {
            if let caller {
                for _ in 0..<Self.looksAtCaller where serveIfReady(caller) {
                    busyPoll.found(afterFirst: true)
                    return 0
                }
            }
            count = try poller.wait(timeout: .zero)
            guard count == 0 else {
                busyPoll.found(afterFirst: true)
                return count
            }
            desk.now = .now
        } while desk.now.nanoseconds(since: start) < busyPoll.window
        busyPoll.inVain()
        return try poller.wait(timeout: timeout)
    }

    // A look is one receive.
    private mutating func serveIfReady(_ session: Session) -> Bool {
        let start = desk.now
        guard session.isListening, desk.serveIfReady(session) else { return false }
        desk.now = .now
        session.account.spend(desk.now.nanoseconds(since: start), inTurn: turn)
        if desk.isFull { deliver() }
        return true
    }

    /// Serves until SIGTERM or SIGINT, then until everyone who is connected has its answers.
    package mutating func run() throws(SystemError) {
        supervisor.ready(policy: desk.handler.policyStatus.text)
        while drainsUntil == nil || sessions.count > 0 {
            sink.flush()
            turn &+= 1
            // Who was put off comes before who calls now, so that nobody is put off for ever.
            if !backlog.isEmpty {
                serveBacklog()
                deliver()
            }
            let count = try wait()
            if count > 0 { caller = count == 1 ? poller.event(0).token : nil }
            desk.now = .now
            for place in 0..<count {
                let event = poller.event(place)
                if event.token > Token.last { serve(event.token, isOver: event.isOver) } else { handle(event.token) }
            }
            serveErrands()
            deliver()
            lookAfterTheLate()
        }
        log.notice("stopped")
        sink.flush()
    }
}

// Connections.
extension Agent {
    // What is no session's.
    private mutating func handle(_ token: UInt64) {
        switch token {
        case Token.signals: handleSignals()
        case Token.listener: acceptConnections()
        case Token.reloading: endReload()
        case Token.leases: desk.serveLeases(until: .now + Self.errandSlice)
        default: break
        }
        desk.now = .now
    }

    private mutating func acceptConnections(within time: Duration = acceptTime, atMost count: Int = acceptsPerTurn) {
        do throws(SystemError) {
            let end = Moment.now + time
            for _ in 0..<count {
                guard let socket = try listener.accept() else { return }
                admit(socket)
                // The listener goes on reporting those who wait.
                guard .now < end else { return }
            }
        } catch {
            // The listener would go on reporting the connection that found no descriptor, so it is put aside for a while.
            log.warning("cannot accept connections: \(error); trying again in \(Self.acceptPause)")
            listen(false)
            acceptsAgainAt = desk.now + Self.acceptPause
        }
    }

    private mutating func admit(_ socket: consuming StreamSocket) {
        if desk.processes.isShort { deliver() }
        var who: PeerHandle
        do throws(SystemError) {
            who = try socket.peer()
        } catch {
            // Whoever the kernel does not vouch for gets nothing: it has gone, or its ids mean nobody here.
            log.debug("turned away whom the kernel does not vouch for: \(error)")
            return
        }
        let peer = who.peer
        let policy = desk.handler.policy
        let free = limits.free(besides: sockets, administrator: policy.isAdministrator(peer))
        guard free > 0 else {
            return turnAway(socket, peer, "the agent has \(sessions.count) connections, and no room for more of others")
        }
        // Nobody has more than are left for everyone else, so whoever comes late still finds a place.
        let limit = min(policy.quota.connections, free)
        let account = tenants.admit(
            Tenant(peer, policy), limit: limit, unplacedLimit: limits.unplaced,
            ratePerSecond: policy.quota.requestsPerSecond, now: desk.now)
        guard let account else {
            return turnAway(socket, peer, "uid \(peer.uid) has \(limit) connections or more, and may have no more now")
        }
        guard let groups = account.groups.share(peer.groups, within: &groupBudget) else {
            tenants.release(account, now: desk.now)
            return turnAway(socket, peer, "the connections of uid \(peer.uid) have too many groups that differ")
        }
        // In memory that it shares with others.
        who.peer.groups = groups
        // A peer that has ended since leaves its requests behind; they are answered "no such process".
        var itself: HeldProcess?
        if let pidfd = who.pidfd.take() { itself = try? desk.processes.hold(KernelProcess(pidfd)) }
        begin(
            Session(
                socket: socket, who.peer, itself: itself, account: account, mayAttach: policy.letsSpeakOfOthers(peer)))
    }

    private mutating func listen(_ isListening: Bool) {
        do throws(SystemError) {
            try poller.change(listener.descriptor.number, isListening ? .readable : [], token: Token.listener)
        } catch {
            log.error("cannot tell the poller of the listener: \(error)")
        }
    }

    private mutating func turnAway(_ socket: borrowing StreamSocket, _ peer: Peer, _ why: String) {
        let error = RlimitError(.quotaExceeded, message: why)
        desk.turnAway(socket, error)
        desk.handler.audit.refused(error, to: peer, operation: "connect", target: nil)
    }

    private mutating func begin(_ session: Session) {
        let token = sessions.insert(session)
        session.token = token
        desk.handler.statistics.acceptedConnections += 1
        countConnections()
        do throws(SystemError) {
            try poller.add(session.socket.descriptor.number, .readable, token: token)
        } catch {
            log.error("cannot watch a connection: \(error)")
            end(token, session)
        }
    }

    private mutating func end(_ token: UInt64, _ session: Session) {
        // Closing the socket takes it out of the poller too.
        guard sessions.remove(token) else { return }
        // The agent after this one goes on with what was lent to those who are connected to this one.
        if drainsUntil == nil { desk.endLeases(of: session) }
        desk.end(session)
        session.account.groups.release(session.peer.groups, to: &groupBudget)
        tenants.release(session.account, now: desk.now)
        countConnections()
    }

    // Those of connections, also of some that are over.
    private var sockets: Int { sessions.count + StreamSocket.beingClosed }

    private mutating func countConnections() {
        desk.handler.statistics.connections = UInt64(sessions.count)
        desk.processes.room = desk.budget.room(besides: sockets)
    }
}

// Turns.
extension Agent {
    private mutating func serve(_ token: UInt64, isOver: Bool = false) {
        guard let session = sessions[token] else { return }
        // Nobody is left who could read the answer. Otherwise reading finds that out.
        if isOver && session.rests { return end(token, session) }
        guard session.account.hasTime(inTurn: turn) else {
            session.isPutOff = true
            return putInBacklog(session, token)
        }
        session.isPutOff = false
        let start = desk.now
        desk.serve(session)
        desk.now = .now
        session.account.spend(desk.now.nanoseconds(since: start), inTurn: turn)
        if desk.isFull { deliver() }
    }

    // Everyone who called was heard.
    private mutating func deliver() {
        desk.occasion += 1
        for place in desk.letters.indices {
            let letter = desk.letters[place]
            let session = letter.session
            let start = desk.now
            let fate = desk.deliver(letter)
            desk.now = .now
            session.account.spend(desk.now.nanoseconds(since: start), inTurn: turn)
            if sessions[session.token] != nil { settle(session, fate) }
        }
        desk.clear()
        if desk.processes.isShort { desk.makeRoom(among: &sessions, tenants: tenants.present) }
    }

    private mutating func settle(_ session: Session, _ fate: Session.Fate) {
        let token = session.token
        switch fate {
        case .reads: watch(session, for: .readable, token)
        case .writes: watch(session, for: .writable, token)
        case .rests: watch(session, for: [], token)
        case .hasMore:
            watch(session, for: .readable, token)
            putInBacklog(session, token)
        case .ends: return end(token, session)
        }
        // Of one that was put off since, the kernel may still hold requests.
        if drainsUntil != nil && session.isIdle && !session.isPutOff { end(token, session) }
    }

    // Once, or each turn would give it one turn more than the last.
    private mutating func putInBacklog(_ session: Session, _ token: UInt64) {
        if !session.isInBacklog { backlog.append(token) }
        session.isInBacklog = true
    }

    private mutating func serveBacklog() {
        desk.now = .now
        let tokens = backlog
        backlog.removeAll(keepingCapacity: true)
        for token in tokens {
            guard let session = sessions[token] else { continue }
            session.isInBacklog = false
            if session.hasWholeFrames || session.isPutOff { serve(token) }
        }
    }

    // One errand a turn has a slice, then it is the next one's. Those whose peers do not take the answers wait.
    private mutating func serveErrands() {
        guard let place = desk.errands.firstIndex(where: { sessions[$0]?.takesAnswers ?? true }) else { return }
        let token = desk.errands.remove(at: place)
        guard let session = sessions[token] else { return }
        desk.errands.append(token)
        do throws(SystemError) {
            if try desk.advance(session, until: .now + Self.errandSlice) { return serve(token) }
            if !session.takesAnswers { watch(session, for: .writable, token) }
        } catch {
            end(token, session)
        }
    }

    private mutating func watch(_ session: Session, for interest: Poller.Interest, _ token: UInt64) {
        guard session.interest != interest else { return }
        do throws(SystemError) {
            try poller.change(session.socket.descriptor.number, interest, token: token)
            session.interest = interest
        } catch {
            log.error("cannot watch a connection: \(error)")
            end(token, session)
        }
    }

    private var timeToWait: Duration? {
        if !backlog.isEmpty || desk.errands.contains(where: { sessions[$0]?.takesAnswers ?? true }) { return .zero }
        if acceptsAgainAt != nil { return Self.acceptPause }
        // Sessions may hold half a frame, a drain has an end, a full log wants to be written: looked after by and by.
        if drainsUntil != nil || desk.waitingSessions > 0 || !desk.errands.isEmpty || !sink.isEmpty { return Self.tick }
        return supervisor.interval
    }

    private mutating func lookAfterTheLate() {
        supervisor.isAlive(now: desk.now)
        if let moment = acceptsAgainAt, desk.now >= moment {
            acceptsAgainAt = nil
            listen(true)
        }
        guard desk.now >= tickAt, desk.waitingSessions > 0 || !desk.errands.isEmpty || drainsUntil != nil else {
            return
        }
        tickAt = desk.now + Self.tick
        for token in sessions.tokens {
            guard let session = sessions[token] else { continue }
            if let since = session.waitingSince, desk.now - since > Session.frameTime {
                desk.timeOut(session)
                end(token, session)
            } else if let errand = session.errand, desk.now > errand.deadline, !session.takesAnswers {
                // The peer does not take the answers, and has its place among the errands.
                end(token, session)
            } else if let end = drainsUntil, desk.now >= end {
                self.end(token, session)
            }
        }
    }
}

// Signals.
extension Agent {
    private mutating func handleSignals() {
        while let signal = (try? signals.next()) ?? nil {
            if signal == SignalSource.hangUp { reload() } else { drain() }
        }
    }

    private mutating func reload() {
        supervisor.reloading()
        reloading.begin()
    }

    private mutating func endReload() {
        guard let result = reloading.take() else { return }
        do throws(PolicyFileError) {
            let loaded = try result.get()
            for warning in loaded.warnings { log.warning("\(warning)") }
            desk.handler.adopt(loaded.policy)
            for token in sessions.tokens {
                guard let session = sessions[token] else { continue }
                session.mayAttach = desk.handler.policy.letsSpeakOfOthers(session.peer)
            }
            log.notice("policy reloaded: \(loaded.policy.summary)")
        } catch {
            for diagnostic in error.diagnostics { log.error("\(diagnostic)") }
            log.error("the policy was not reloaded; the one before it stays")
            desk.handler.policyStatus.failed(error)
        }
        if drainsUntil == nil { supervisor.ready(policy: desk.handler.policyStatus.text) }
    }

    // Nobody new; those who are connected get answers to what they have sent.
    private mutating func drain() {
        guard drainsUntil == nil else { return }
        supervisor.stopping()
        log.notice("stopping")
        // Whoever connected before the signal is heard.
        acceptConnections(within: Self.drainTime / 2, atMost: .max)
        listen(false)
        listener.removePath()
        acceptsAgainAt = nil
        drainsUntil = .now + Self.drainTime
        for token in sessions.tokens { serve(token) }
        deliver()
    }
}
