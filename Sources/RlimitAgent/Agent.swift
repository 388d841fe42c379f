import Logging
package import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile

/// The loop: one thread, one epoll, everyone served in turn.
package struct Agent: ~Copyable {
    let poller: Poller
    let signals: SignalSource
    let listener: Listener
    var desk: Desk
    // Names of users may be asked of a directory that takes its time.
    let reloading: BackgroundTask<Result<LoadedPolicy, PolicyFileError>>
    var supervisor: Supervisor
    let sink: LogSink
    let log: Logger
    let limits: ConnectionLimits

    var sessions = SessionTable()
    var tenants = Tenants()
    var groupBudget = GroupBudget()
    // Sessions that have whole frames left for the next turn, or were put off to it.
    var backlog: [UInt64] = []
    var turn: UInt64 = 0
    // Until then nobody is accepted, for there was no descriptor left.
    var acceptsAgainAt: Moment?
    // After SIGTERM: until then peers may take their last responses.
    var drainsUntil: Moment?
    var tickAt = Moment.now
    var busyPoll: BusyPoll
    // The session that was the only one to call when somebody called last.
    var caller: UInt64?

    enum Token {
        static let listener: UInt64 = 1
        static let signals: UInt64 = 2
        static let reloading: UInt64 = 3
        static let leases: UInt64 = 4
        /// Greater ones are sessions'.
        static let last: UInt64 = 4
    }

    /// How often the loop looks after what has waited too long, while there is such a thing.
    static let tick: Duration = .milliseconds(500)
    static let drainTime: Duration = .seconds(2)
    static let acceptPause: Duration = .milliseconds(100)
    /// Connections accepted in one turn, so that those who are connected get theirs.
    static let acceptsPerTurn = 64
    /// After this long, none is accepted in this turn any more: the kernel may take many milliseconds to show who it is.
    static let acceptTime: Duration = .milliseconds(1)
    /// Looks at the session that called last, while polling, for each at everyone.
    static let looksAtCaller = 8
    /// How long what takes longer than a turn may keep all others waiting in one.
    static let errandSlice: Duration = .microseconds(100)

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
