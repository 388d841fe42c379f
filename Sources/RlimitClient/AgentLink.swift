import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// The way to an agent, which all copies of a client share: makes the connection when it is needed, makes it again when the
/// agent was restarted, and gives each process its own.
@safe final class AgentLink: Sendable {
    let socket: AgentSocket
    // A retained ProcessLine, or nil before the first call. Not behind a lock: after fork(2) a lock may be held by a thread
    // that the child does not have.
    private let line = Atomic<UnsafeRawPointer?>(nil)

    init(to socket: AgentSocket) { self.socket = socket }

    deinit {
        guard let known = unsafe line.load(ordering: .acquiring) else { return }
        let line = unsafe Unmanaged<ProcessLine>.fromOpaque(known)
        // Retained by `lineOfThisProcess`.
        if unsafe line.takeUnretainedValue().mark == .current {
            unsafe line.release()
        } else {
            unsafe line.takeUnretainedValue().abandon()
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
        var known = unsafe line.load(ordering: .acquiring)
        while true {
            if let known = unsafe known {
                let line = unsafe Unmanaged<ProcessLine>.fromOpaque(known).takeUnretainedValue()
                if line.mark == mark { return line }
            }
            let fresh = Unmanaged.passRetained(ProcessLine(mark))
            let (isOurs, other) = unsafe line.compareExchange(
                expected: known, desired: UnsafeRawPointer(fresh.toOpaque()), ordering: .acquiringAndReleasing)
            if isOurs {
                // The parent's line is let go of and never freed: its lock may be held by a thread that is not here.
                if let known = unsafe known {
                    unsafe Unmanaged<ProcessLine>.fromOpaque(known).takeUnretainedValue().abandon()
                }
                return unsafe fresh.takeUnretainedValue()
            }
            unsafe fresh.release()
            unsafe known = other
        }
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
