import RlimitKernel
import RlimitModel

/// Tells when there is something to do about leases: the next one ends, or a process that has some has ended.
///
/// A poller within the loop's, so that the loop has one descriptor to look at, however many leases there are.
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

    /// Readable while there is something to do.
    var descriptor: Int32 { poller.descriptor }

    /// A process that is watched.
    subscript(birth: ProcessIdentity) -> CachedProcess? { tokens[birth].flatMap { processes[$0]?.cached } }

    /// Watches a process until `remove`.
    mutating func insert(_ birth: ProcessIdentity, _ cached: CachedProcess) throws(SystemError) {
        lastToken += 1
        try poller.add(cached.process.descriptor, .readable, token: lastToken)
        processes[lastToken] = (birth, cached)
        tokens[birth] = lastToken
    }

    /// - Returns: The process, which is to be released.
    mutating func remove(_ birth: ProcessIdentity) -> CachedProcess? {
        guard let token = tokens.removeValue(forKey: birth), let known = processes.removeValue(forKey: token) else {
            return nil
        }
        try? poller.remove(known.cached.process.descriptor)
        return known.cached
    }

    /// Wakes the loop at a moment; nil: at none.
    mutating func wake(at moment: BootInstant?) throws(SystemError) {
        guard moment != timerSetTo else { return }
        try timer.set(moment)
        timerSetTo = moment
    }

    /// Processes that have ended: some of them.
    mutating func ended() throws(SystemError) -> [ProcessIdentity] {
        var found: [ProcessIdentity] = []
        for place in 0..<(try poller.wait(timeout: .zero)) {
            if let known = processes[poller.event(place).token] { found.append(known.birth) }
        }
        return found
    }
}
