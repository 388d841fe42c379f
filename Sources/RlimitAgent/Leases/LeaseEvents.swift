import RlimitKernel
import RlimitModel

/// The events of leases: the next lease is due, or a process that has leases has ended.
///
/// This is a poller inside the loop's poller, so that the loop polls one descriptor for all leases.
struct LeaseEvents: ~Copyable {
    private let poller: Poller
    private let timer: BootTimer
    private var timerSetTo: BootInstant?
    private var processes: [UInt64: (birth: ProcessIdentity, cached: CachedProcess)] = [:]
    private var tokens: [ProcessIdentity: UInt64] = [:]
    private var lastToken = Self.timerToken

    private static let timerToken: UInt64 = 0

    init() throws(SystemError) {
        let poller = try Poller()
        let timer = try BootTimer()
        try poller.add(timer.descriptor.number, .readable, token: Self.timerToken)
        self.poller = poller
        self.timer = timer
    }

    /// Readable while an event is pending.
    var descriptor: Int32 { poller.descriptor }

    /// The watched process with this identity.
    subscript(birth: ProcessIdentity) -> CachedProcess? { tokens[birth].flatMap { processes[$0]?.cached } }

    /// Watches a process until `remove`.
    mutating func insert(_ birth: ProcessIdentity, _ cached: CachedProcess) throws(SystemError) {
        lastToken += 1
        try poller.add(cached.process.descriptor, .readable, token: lastToken)
        processes[lastToken] = (birth, cached)
        tokens[birth] = lastToken
    }

    /// Stops watching a process.
    ///
    /// - Returns: The process, which the caller releases.
    mutating func remove(_ birth: ProcessIdentity) -> CachedProcess? {
        guard let token = tokens.removeValue(forKey: birth), let known = processes.removeValue(forKey: token) else {
            return nil
        }
        try? poller.remove(known.cached.process.descriptor)
        return known.cached
    }

    /// Sets the time at which `descriptor` becomes readable; nil for never.
    mutating func wake(at moment: BootInstant?) throws(SystemError) {
        guard moment != timerSetTo else { return }
        try timer.set(moment)
        timerSetTo = moment
    }

    /// Some of the processes that have ended, as many as one epoll_wait(2) returns.
    mutating func ended() throws(SystemError) -> [ProcessIdentity] {
        var found: [ProcessIdentity] = []
        for place in 0..<(try poller.wait(timeout: .zero)) {
            if let known = processes[poller.event(place).token] { found.append(known.birth) }
        }
        return found
    }
}
