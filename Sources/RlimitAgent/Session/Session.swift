import RlimitKernel
import RlimitModel

/// One connection: who is at the other end, and what is half received or half sent.
///
/// Of credentials it keeps only what the kernel said when it was accepted. An idle session holds no buffers.
final class Session {
    let socket: StreamSocket
    let peer: Peer
    let tenantUsage: TenantUsage
    /// The process that connected, while it is held; nil also where it has no number in the agent's PID namespace.
    private(set) var peerProcess: CachedProcess?
    /// The process last named by number, held for the next request that names it: a pidfd, never its credentials.
    private(set) var lastNamedProcess: CachedProcess?
    /// Whether descriptors are received from this peer at all.
    var mayAttachPidfd: Bool
    /// A descriptor that came with bytes of a frame that is not whole yet, or not yet read.
    var receivedDescriptor: ReceivedDescriptor?
    /// Bytes of a frame that is not whole yet, or of frames left for the next turn.
    var unread: PartialBuffer?
    /// Responses that the peer did not take yet; as long as there are any, nothing more is read.
    var unsent: PartialBuffer?
    /// When the first bytes of an unfinished frame came.
    var partialFrameSince: BootInstant?
    /// How many bytes of the stream have been answered.
    var position: UInt64 = 0
    // The same, when `hasReadSinceLastCheck()` was called last.
    private var positionAtLastCheck: UInt64 = 0
    /// `unread` holds frames that are whole, and not only the beginning of one.
    var hasCompleteFrames = false
    /// The connection ends as soon as `unsent` is gone.
    var isClosing = false
    /// The peer sends no more, but may still read.
    var hasReachedEOF = false
    /// What takes longer than a turn; one at a time. Other requests are answered meanwhile.
    var longRequest: LongRequest?
    /// A frame is left that must wait for the end of the errand, and so must all behind it.
    var isBlocked = false
    /// Its place in the table.
    var token: UInt64 = 0

    /// How long a peer may take from the first byte of a frame to its last.
    static let frameTimeout: Duration = .seconds(2)

    /// What a session does next.
    enum NextStep {
        /// It waits for bytes of the peer's.
        case read
        /// It waits for the peer to take what is unsent.
        case write
        /// It has whole frames left; it is the others' turn first.
        case continueProcessing
        /// It waits for its errand alone.
        case wait
        case close
    }

    /// What it does when all responses are sent.
    var nextStep: NextStep {
        if isClosing || hasReachedEOF && longRequest == nil { return .close }
        return isReadingPaused ? .wait : hasCompleteFrames ? .continueProcessing : .read
    }

    /// Nothing is read from it before its errand is done.
    var isReadingPaused: Bool { isBlocked || hasReachedEOF }

    /// Whether it is among those that have their turn without being asked for it.
    var isInBacklog = false
    /// Its tenant had its share of the last turn.
    var isDeferred = false

    /// What the poller was told that it waits for.
    var interest: Poller.Interest = .readable

    /// The peer has taken all that was sent to it.
    var isOutputDrained: Bool { unsent == nil }

    /// Nothing of it is under way.
    var isIdle: Bool { unread == nil && unsent == nil && longRequest == nil }

    /// Holds the process that connected, or nothing instead of it.
    func cache(peerProcess process: CachedProcess?) {
        if canReopenPeer { tenantUsage.cachedProcesses += (process == nil ? 0 : 1) - (peerProcess == nil ? 0 : 1) }
        peerProcess = process
    }

    /// Holds a process that was named, or nothing instead of it.
    func cache(lastNamed process: CachedProcess?) {
        tenantUsage.cachedProcesses += (process == nil ? 0 : 1) - (lastNamedProcess == nil ? 0 : 1)
        lastNamedProcess = process
    }

    /// Whether any request was answered since this was asked last.
    func hasReadSinceLastCheck() -> Bool {
        defer { positionAtLastCheck = position }
        return position != positionAtLastCheck
    }

    /// It waits for its peer's next request, and for nothing else.
    var isAwaitingRequest: Bool { isIdle && !isReadingPaused && !isClosing && interest == .readable && !isInBacklog }

    /// Whether a process, held since before now, is the one that connected. The number alone does not tell: it may have been
    /// given to another after the peer ended.
    ///
    /// - Throws: Where nobody can tell.
    func isPeer(_ process: borrowing LinuxProcess) throws(RlimitError) -> Bool {
        guard let peerProcess else {
            guard peer.pid == process.pid, let peerProcess = try reopenPeer() else { return false }
            return peerProcess.pid == process.pid && !peerProcess.hasEnded
        }
        return peerProcess.process.pid == process.pid && !peerProcess.process.hasEnded
    }

    /// The kernel holds the process that connected, and gives it again at any time.
    var canReopenPeer: Bool { peer.isPinned }

    /// The process that connected, from the kernel once more; nil where it has ended, or has no number here.
    func reopenPeer() throws(RlimitError) -> LinuxProcess? {
        guard canReopenPeer, peer.pid != nil else { return nil }
        let pidfd: Pidfd?
        do throws(SystemError) { pidfd = try socket.peerPidfd() } catch {
            throw RlimitError(error, about: "the process that connected")
        }
        guard let pidfd else { return nil }
        do throws(RlimitError) { return try LinuxProcess(pidfd) } catch {
            guard error.code == .noSuchProcess else { throw error }
            return nil
        }
    }

    /// - Parameter itself: Held for this session, which releases it.
    init(
        socket: consuming StreamSocket, _ peer: Peer, peerProcess: CachedProcess?, tenantUsage: TenantUsage,
        mayAttachPidfd: Bool
    ) {
        self.socket = socket
        self.tenantUsage = tenantUsage
        self.peer = peer
        self.peerProcess = peerProcess
        self.mayAttachPidfd = mayAttachPidfd
        if peerProcess != nil, canReopenPeer { tenantUsage.cachedProcesses += 1 }
    }
}
