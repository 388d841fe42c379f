import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// The way to an agent, which all copies of a client share: makes the connection when it is needed, makes it again when the
/// agent was restarted, and gives each process its own.
final class AgentLink: Sendable {
    let socket: AgentSocket
    // The address of a retained ProcessLine, 0 before the first call. Not behind a lock: after fork(2) a lock may be held by a
    // thread that the child does not have.
    private let line = Atomic<UInt>(0)

    init(to socket: AgentSocket) { self.socket = socket }

    deinit {
        guard let line = Self.line(line.load(ordering: .acquiring)) else { return }
        if line.mark == .current {
            unsafe Unmanaged.passUnretained(line).release()
        } else {
            line.abandon()
        }
    }

    /// Asks the agent, on a connection that is made if there is none.
    ///
    /// A request that the agent cannot have acted on is sent once more on a new connection, and so is one that only reads;
    /// an edit that may have been made never is.
    ///
    /// - Throws: What the agent answered; `.agentUnreachable`, `.untrustedSocket`, `.connectionLost`,
    ///   `.deadlineExceeded`, `.malformed`.
    func call(
        _ operation: Request.Operation, isQuestion: Bool = false, pidfd: Int32? = nil,
        until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> Reply {
        let line = lineOfThisProcess
        var isSecondTry = false
        while true {
            let connection = try line.connection(to: socket, until: deadline)
            let outcome = try connection.exchange(operation, isQuestion: isQuestion, pidfd: pidfd, until: deadline)
            switch outcome {
            case .reply(let reply):
                return reply
            case .unsent(let error):
                guard !isSecondTry else { throw .unreachable(socket, hangsUp: error) }
            case .unanswered(let error):
                guard !isSecondTry, isQuestion || operation.onlyReads else { throw error }
            }
            isSecondTry = true
        }
    }

    /// Lets go of the connection; it closes once nobody waits for an answer on it.
    func close() { lineOfThisProcess.hangUp() }

    private var lineOfThisProcess: ProcessLine {
        let mark = ProcessMark.current
        var known = line.load(ordering: .acquiring)
        while true {
            if let line = Self.line(known), line.mark == mark { return line }
            let fresh = ProcessLine(mark)
            let retained = unsafe Unmanaged.passRetained(fresh)
            let (isOurs, other) = line.compareExchange(
                expected: known, desired: UInt(bitPattern: unsafe retained.toOpaque()), ordering: .acquiringAndReleasing
            )
            if isOurs {
                // The parent's is let go of and never freed: its lock may be held by a thread that is not here.
                Self.line(known)?.abandon()
                return fresh
            }
            unsafe retained.release()
            known = other
        }
    }

    private static func line(_ bits: UInt) -> ProcessLine? {
        // What `lineOfThisProcess` retained.
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
        return unsafe Unmanaged<ProcessLine>.fromOpaque(pointer).takeUnretainedValue()
    }
}

extension Request.Operation {
    /// Whether carrying it out twice is the same as once.
    fileprivate var onlyReads: Bool {
        switch self {
        case .get, .usage, .threadUsage, .leaseList, .serverInfo, .stats, .prlimit(_, _, nil): true
        case .set, .prlimit, .leaseRenew, .leaseRelease: false
        }
    }
}
