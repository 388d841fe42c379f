import RlimitKernel
import RlimitModel

/// Tells when there is something to do about leases: the next one ends, or a process that has some has ended.
///
/// A poller within the loop's, so that the loop has one descriptor to look at, however many leases there are.
struct LeaseWatch: ~Copyable {
    private let poller: Poller
    private let timer: BootTimer
    private var isSetTo: Moment?
    private var processes: [UInt64: (birth: ProcessBirth, held: HeldProcess)] = [:]
    private var tokens: [ProcessBirth: UInt64] = [:]
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
    subscript(birth: ProcessBirth) -> HeldProcess? { tokens[birth].flatMap { processes[$0]?.held } }

    /// Watches a process until `remove`.
    mutating func insert(_ birth: ProcessBirth, _ held: HeldProcess) throws(SystemError) {
        lastToken += 1
        try poller.add(held.process.descriptor, .readable, token: lastToken)
        processes[lastToken] = (birth, held)
        tokens[birth] = lastToken
    }

    /// - Returns: The process, which is to be released.
    mutating func remove(_ birth: ProcessBirth) -> HeldProcess? {
        guard let token = tokens.removeValue(forKey: birth), let known = processes.removeValue(forKey: token) else {
            return nil
        }
        try? poller.remove(known.held.process.descriptor)
        return known.held
    }

    /// Wakes the loop at a moment; nil: at none.
    mutating func wake(at moment: Moment?) throws(SystemError) {
        guard moment != isSetTo else { return }
        try timer.set(moment)
        isSetTo = moment
    }

    /// Processes that have ended: some of them.
    mutating func ended() throws(SystemError) -> [ProcessBirth] {
        var found: [ProcessBirth] = []
        for place in 0..<(try poller.wait(timeout: .zero)) {
            if let known = processes[poller.event(place).token] { found.append(known.birth) }
        }
        return found
    }
}
