import Logging
import RlimitConfinement
package import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile

/// The event loop: one thread, one epoll instance. Each iteration serves every session that has sent something, and
/// then sends all responses.
package struct EventLoop: ~Copyable {
    private var scheduler: SessionScheduler
    private var acceptor: ConnectionAcceptor
    private let signals: SignalSource
    private let policyReload: PolicyReload
    private let refusedCalls: RefusedCalls
    private var serviceManager: ServiceManager
    private let sink: LogSink
    private var logWriter: LogWriter
    private let log: Logger
    private var nextTimeoutCheck = BootInstant.now
    private var busyPoll: BusyPoll
    // The session of the last event, if it came alone.
    private var lastActiveSession: UInt64?

    private enum Token {
        static let listener: UInt64 = 1
        static let signals: UInt64 = 2
        static let policyReload: UInt64 = 3
        static let leases: UInt64 = 4
        static let log: UInt64 = 5
        static let refusedCalls: UInt64 = 6
        /// Higher tokens belong to sessions.
        static let last: UInt64 = 6
    }

    /// The interval of the checks for timeouts, while a session may time out.
    private static let timeoutCheckInterval: Duration = .milliseconds(500)
    private static let drainTimeout: Duration = .seconds(2)
    /// The maximum number of connections accepted in one iteration, so that connected sessions get their turns.
    private static let maxAcceptsPerIteration = 64
    /// The time after which an iteration accepts no more connections: the kernel may take many milliseconds to identify
    /// a peer.
    private static let maxAcceptTime: Duration = .milliseconds(1)
    /// The number of reads from the last active session for each look at all descriptors, while polling.
    private static let pollsOfLastSession = 8

    init(_ parts: consuming EventLoopParts) throws(SystemError) {
        // Steps that can fail come first.
        let poller = try Poller()
        let leaseMonitor = try LeaseMonitor()
        let policyReload = try PolicyReload(parts.loader, log: parts.log)
        try poller.add(parts.signals.descriptor.number, .readable, token: Token.signals)
        try poller.add(policyReload.descriptor, .readable, token: Token.policyReload)
        try poller.add(leaseMonitor.descriptor, .readable, token: Token.leases)
        try poller.add(parts.refusedCalls.descriptor, .readable, token: Token.refusedCalls)
        let acceptor = try ConnectionAcceptor(parts.listener, poller, token: Token.listener, log: parts.log)
        var dispatcher = Dispatcher(
            handler: RequestHandler(
                policy: parts.policy, facts: parts.facts, audit: AuditLog(sink: parts.sink), leases: parts.leases),
            budget: parts.budget, leaseMonitor: leaseMonitor)
        try dispatcher.adoptLeases()
        scheduler = SessionScheduler(
            poller: poller, dispatcher: dispatcher, maxConnections: parts.budget.maxConnections, log: parts.log)
        self.acceptor = acceptor
        self.policyReload = policyReload
        refusedCalls = parts.refusedCalls
        signals = parts.signals
        serviceManager = parts.serviceManager
        sink = parts.sink
        logWriter = LogWriter(parts.sink, token: Token.log)
        log = parts.log
        busyPoll = BusyPoll(upTo: parts.busyPoll)
    }

    /// Serves until SIGTERM or SIGINT, and then until all connected peers have their responses.
    package mutating func run() throws(SystemError) {
        serviceManager.notifyReady(policy: scheduler.dispatcher.handler.policyStatus.text)
        while !scheduler.isDrained {
            logWriter.flush(scheduler.poller)
            scheduler.beginIteration()
            let count = try wait()
            if count > 0 { lastActiveSession = count == 1 ? scheduler.poller.event(0).token : nil }
            scheduler.dispatcher.clock.update()
            for place in 0..<count {
                let event = scheduler.poller.event(place)
                if event.token > Token.last {
                    scheduler.serve(event.token, isClosed: event.isClosed)
                } else {
                    handleInternalEvent(event.token)
                }
            }
            scheduler.advanceLongRequest()
            scheduler.deliverResponses()
            checkTimeouts()
        }
        endMinuteOfLog(at: BootInstant(nanoseconds: .max))
        log.notice("stopped")
        logWriter.finish(within: Self.drainTimeout)
    }

    // MARK: Waiting

    // Returns the number of events. Polls before it sleeps, if that is configured and pays. Returns 0 if a read from
    // the last active session alone found a request, which has been processed.
    private mutating func wait() throws(SystemError) -> Int {
        let timeout = pollTimeout
        guard timeout != .zero, busyPoll.shouldPoll() else { return try scheduler.poller.wait(timeout: timeout) }
        // All descriptors first, so that a busy session is never more than one turn ahead of the others.
        var count = try scheduler.poller.wait(timeout: .zero)
        guard count == 0 else {
            busyPoll.recordHit(afterFirst: false)
            return count
        }
        let lastActiveSession = lastActiveSession.flatMap { scheduler[$0] }
        scheduler.dispatcher.clock.update()
        let start = scheduler.now
        repeat {
            if let lastActiveSession {
                for _ in 0..<Self.pollsOfLastSession where scheduler.serveIfReady(lastActiveSession) {
                    busyPoll.recordHit(afterFirst: true)
                    return 0
                }
            }
            count = try scheduler.poller.wait(timeout: .zero)
            guard count == 0 else {
                busyPoll.recordHit(afterFirst: true)
                return count
            }
            scheduler.dispatcher.clock.update()
        } while scheduler.now.nanoseconds(since: start) < busyPoll.window
        busyPoll.recordMiss()
        return try scheduler.poller.wait(timeout: timeout)
    }

    // nil: until an event.
    private var pollTimeout: Duration? {
        if scheduler.hasReadySessions { return .zero }
        if acceptor.isPaused { return ConnectionAcceptor.retryDelay }
        // A partial frame and a drain have a time limit, and log lines may wait for their reader.
        if scheduler.hasTimeouts || !sink.isEmpty || hasSuppressedLines { return Self.timeoutCheckInterval }
        return serviceManager.watchdogPingInterval
    }

    private mutating func checkTimeouts() {
        let now = scheduler.now
        serviceManager.pingWatchdog(now: now)
        acceptor.resumeIfDue(scheduler.poller, now: now)
        endMinuteOfLog(at: now)
        guard now >= nextTimeoutCheck, scheduler.hasTimeouts else { return }
        nextTimeoutCheck = now + Self.timeoutCheckInterval
        scheduler.closeTimedOutSessions()
    }

    // MARK: Lines beyond the bound of a minute

    private var hasSuppressedLines: Bool {
        scheduler.dispatcher.handler.audit.hasSuppressed || sink.messages.hasSuppressed
    }

    private func endMinuteOfLog(at now: BootInstant) {
        scheduler.dispatcher.handler.audit.endMinute(at: now)
        sink.endMinuteOfMessages(at: now)
    }

    // MARK: The agent's own descriptors

    private mutating func handleInternalEvent(_ token: UInt64) {
        switch token {
        case Token.signals: handleSignals()
        case Token.listener: acceptConnections(within: Self.maxAcceptTime, atMost: Self.maxAcceptsPerIteration)
        case Token.policyReload:
            if policyReload.finish(&scheduler), !scheduler.isDraining {
                serviceManager.notifyReady(policy: scheduler.dispatcher.handler.policyStatus.text)
            }
        case Token.leases:
            scheduler.dispatcher.processLeaseEvents(until: .now + SessionScheduler.longRequestSlice)
        case Token.log: logWriter.noteEvent()
        case Token.refusedCalls:
            for call in refusedCalls.take() {
                log.error("the filter refused the system call \(call), which no correct agent makes: report this")
            }
        default: break
        }
        scheduler.dispatcher.clock.update()
    }

    private mutating func acceptConnections(within time: Duration, atMost count: Int) {
        let end = BootInstant.now + time
        for _ in 0..<count {
            guard let socket = acceptor.next(scheduler.poller, now: scheduler.now) else { return }
            scheduler.admit(socket)
            // The poller reports the connections that still wait.
            guard .now < end else { return }
        }
    }

    private mutating func handleSignals() {
        while let signal = (try? signals.next()) ?? nil {
            if signal == SignalSource.hangUp {
                serviceManager.notifyReloading()
                policyReload.start()
            } else {
                drain()
            }
        }
    }

    // Accepts no new connections, answers what connected peers have sent, and closes their connections.
    private mutating func drain() {
        guard !scheduler.isDraining else { return }
        serviceManager.notifyStopping()
        log.notice("stopping")
        // Peers that connected before the signal are served.
        acceptConnections(within: Self.drainTimeout / 2, atMost: .max)
        acceptor.stop(scheduler.poller)
        scheduler.drain(within: Self.drainTimeout)
    }
}
