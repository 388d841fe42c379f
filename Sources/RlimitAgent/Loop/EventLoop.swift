import Logging
package import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile

/// The loop: one thread, one epoll, everyone served in turn.
package struct EventLoop: ~Copyable {
    let poller: Poller
    let signals: SignalSource
    let listener: Listener
    var dispatcher: Dispatcher
    // Names of users may be asked of a directory that takes its time.
    let policyReload: BackgroundTask<Result<LoadedPolicy, PolicyFileError>>
    var serviceManager: ServiceManager
    let sink: LogSink
    let log: Logger
    let limits: ConnectionLimits

    var sessions = SessionTable()
    var tenants = TenantTable()
    var groupBudget = GroupBudget()
    // Sessions that have whole frames left for the next turn, or were put off to it.
    var backlog: [UInt64] = []
    var iteration: UInt64 = 0
    // Until then nobody is accepted, for there was no descriptor left.
    var acceptResumesAt: BootInstant?
    // After SIGTERM: until then peers may take their last responses.
    var drainsUntil: BootInstant?
    var nextTimeoutCheck = BootInstant.now
    var busyPoll: BusyPoll
    // The session that was the only one to call when somebody called last.
    var lastActiveSession: UInt64?

    enum Token {
        static let listener: UInt64 = 1
        static let signals: UInt64 = 2
        static let policyReload: UInt64 = 3
        static let leases: UInt64 = 4
        /// Greater ones are sessions'.
        static let last: UInt64 = 4
    }

    /// How often the loop looks after what has waited too long, while there is such a thing.
    static let timeoutCheckInterval: Duration = .milliseconds(500)
    static let drainTimeout: Duration = .seconds(2)
    static let acceptRetryDelay: Duration = .milliseconds(100)
    /// Connections accepted in one turn, so that those who are connected get theirs.
    static let maxAcceptsPerIteration = 64
    /// After this long, none is accepted in this turn any more: the kernel may take many milliseconds to show who it is.
    static let maxAcceptTime: Duration = .milliseconds(1)
    /// Looks at the session that called last, while polling, for each at everyone.
    static let pollsOfLastSession = 8
    /// How long what takes longer than a turn may keep all others waiting in one.
    static let longRequestSlice: Duration = .microseconds(100)

    init(_ parts: consuming EventLoopParts) throws(SystemError) {
        // What can fail comes first.
        let poller = try Poller()
        let leaseMonitor = try LeaseMonitor()
        let loader = parts.loader
        let policyReload = try BackgroundTask { Result { () throws(PolicyFileError) in try loader.load() } }
        try poller.add(parts.signals.descriptor.number, .readable, token: Token.signals)
        try poller.add(parts.listener.descriptor.number, .readable, token: Token.listener)
        try poller.add(policyReload.descriptor, .readable, token: Token.policyReload)
        try poller.add(leaseMonitor.descriptor, .readable, token: Token.leases)
        var dispatcher = Dispatcher(
            handler: RequestHandler(
                policy: parts.policy, facts: parts.facts, audit: AuditLog(sink: parts.sink), leases: parts.leases),
            budget: parts.budget, leaseMonitor: leaseMonitor)
        try dispatcher.adoptLeases()
        self.dispatcher = dispatcher
        self.poller = poller
        self.policyReload = policyReload
        signals = parts.signals
        listener = parts.listener
        serviceManager = parts.serviceManager
        sink = parts.sink
        log = parts.log
        limits = ConnectionLimits(all: parts.budget.maxConnections)
        busyPoll = BusyPoll(upTo: parts.busyPoll)
        countConnections()
    }

    // How many events there are, after looking for some before sleeping where that is wanted and pays. None where the session that
    // called last has called again: that is seen by looking at it alone, and it has been served.
    private mutating func wait() throws(SystemError) -> Int {
        let timeout = pollTimeout
        guard timeout != .zero, busyPoll.shouldPoll() else { return try poller.wait(timeout: timeout) }
        // First everyone, each time: so who calls in a hurry is ahead of nobody else by more than one turn.
        var count = try poller.wait(timeout: .zero)
        guard count == 0 else {
            busyPoll.recordHit(afterFirst: false)
            return count
        }
        let lastActiveSession = lastActiveSession.flatMap { sessions[$0] }
        dispatcher.now = .now
        let start = dispatcher.now
        repeat {
            if let lastActiveSession {
                for _ in 0..<Self.pollsOfLastSession where serveSessionIfReady(lastActiveSession) {
                    busyPoll.recordHit(afterFirst: true)
                    return 0
                }
            }
            count = try poller.wait(timeout: .zero)
            guard count == 0 else {
                busyPoll.recordHit(afterFirst: true)
                return count
            }
            dispatcher.now = .now
        } while dispatcher.now.nanoseconds(since: start) < busyPoll.window
        busyPoll.recordMiss()
        return try poller.wait(timeout: timeout)
    }

    // A look is one receive.
    private mutating func serveSessionIfReady(_ session: Session) -> Bool {
        let start = dispatcher.now
        guard session.isAwaitingRequest, dispatcher.processInputIfReady(of: session) else { return false }
        dispatcher.now = .now
        session.tenantUsage.charge(dispatcher.now.nanoseconds(since: start), inIteration: iteration)
        if dispatcher.isFull { deliverResponses() }
        return true
    }

    /// Serves until SIGTERM or SIGINT, then until everyone who is connected has its answers.
    package mutating func run() throws(SystemError) {
        serviceManager.notifyReady(policy: dispatcher.handler.policyStatus.text)
        while drainsUntil == nil || sessions.count > 0 {
            sink.flush()
            iteration &+= 1
            // Who was put off comes before who calls now, so that nobody is put off for ever.
            if !backlog.isEmpty {
                processBacklog()
                deliverResponses()
            }
            let count = try wait()
            if count > 0 { lastActiveSession = count == 1 ? poller.event(0).token : nil }
            dispatcher.now = .now
            for place in 0..<count {
                let event = poller.event(place)
                if event.token > Token.last {
                    serveSession(event.token, isOver: event.isClosed)
                } else {
                    handleInternalEvent(event.token)
                }
            }
            advanceLongRequest()
            deliverResponses()
            checkTimeouts()
        }
        log.notice("stopped")
        sink.flush()
    }
}
