import RlimitKernel
import RlimitModel
import RlimitWire

/// One connection: its peer, and what is partly received or partly sent.
///
/// The peer's credentials are those that the kernel reported when the connection was accepted. An idle session holds no
/// buffers.
final class Session {
    let socket: StreamSocket
    let peer: Peer
    let tenantUsage: TenantUsage
    /// The process that connected, while it is held; nil also if it has no pid in the agent's PID namespace.
    private(set) var peerProcess: CachedProcess?
    /// The process that was last named by pid, held for the next request that names it: a pidfd, never its credentials.
    private(set) var lastNamedProcess: CachedProcess?
    /// Whether the agent receives descriptors from this peer.
    var mayAttachPidfd: Bool
    /// A descriptor that waits for its frame.
    var receivedDescriptor: ReceivedDescriptor?
    /// Bytes of an incomplete frame, or of frames that wait for the next turn.
    var unread: PartialBuffer?
    /// Responses that the socket did not accept yet. The agent reads nothing from the session before they are sent.
    var unsent: PartialBuffer?
    /// The memory of its buffers, and how long they have been full.
    var buffers = BufferUsage()
    /// When the first bytes of an incomplete frame came, or when the agent could first read the others.
    var partialFrameSince: BootInstant?
    /// The number of bytes of the stream that have been processed.
    var position: UInt64 = 0
    // The value of `position` at the last call of `hasReadSinceLastCheck()`.
    private var positionAtLastCheck: UInt64 = 0
    /// Whether `unread` holds complete frames.
    var hasCompleteFrames = false
    /// Whether the connection is closed as soon as all responses are sent.
    var isClosing = false
    /// Whether the peer sends no more. It may still read.
    var hasReachedEOF = false
    /// The session's long request. The agent answers its other requests meanwhile.
    var longRequest: LongRequest?
    /// Whether the next frame must wait for the end of the long request. All later frames wait with it.
    var isBlocked = false
    /// The key in `SessionTable`, and the token of its events.
    var token: UInt64 = 0

    /// What a session does next.
    enum NextStep {
        /// It waits for bytes from the peer.
        case read
        /// It waits until the socket accepts more of `unsent`.
        case write
        /// It has complete frames left, and the other sessions have their turns first.
        case continueProcessing
        /// It waits for its long request only.
        case wait
        case close
    }

    /// The next step once all responses are sent.
    var nextStep: NextStep {
        if isClosing || hasReachedEOF && longRequest == nil { return .close }
        return isReadingPaused ? .wait : hasCompleteFrames ? .continueProcessing : .read
    }

    /// Whether nothing is read from it before its long request is done, or before its tenant's buffers have room.
    var isReadingPaused: Bool { isBlocked || hasReachedEOF || buffers.waitsForRoomSince != nil }

    /// Whether it is in the scheduler's `Backlog`.
    var isInBacklog = false
    /// Whether its turn was deferred because its tenant had used up its time.
    var isDeferred = false

    /// The interest that is registered with the poller.
    var interest: Poller.Interest = .readable

    /// Whether the socket has accepted all responses.
    var isOutputDrained: Bool { unsent == nil }

    /// Whether no input, no response and no long request is pending.
    var isIdle: Bool { unread == nil && unsent == nil && longRequest == nil && buffers.waitsForRoomSince == nil }

    /// Begins the time limit of an incomplete frame again.
    func restartPartialFrame(at now: BootInstant) {
        if partialFrameSince != nil { partialFrameSince = now }
    }

    /// Replaces the peer's process.
    func cache(peerProcess process: CachedProcess?) {
        if canReopenPeer { tenantUsage.cachedProcesses += (process == nil ? 0 : 1) - (peerProcess == nil ? 0 : 1) }
        peerProcess = process
    }

    /// Replaces the process that was last named.
    func cache(lastNamed process: CachedProcess?) {
        tenantUsage.cachedProcesses += (process == nil ? 0 : 1) - (lastNamedProcess == nil ? 0 : 1)
        lastNamedProcess = process
    }

    /// Whether a request was processed since the last call.
    func hasReadSinceLastCheck() -> Bool {
        defer { positionAtLastCheck = position }
        return position != positionAtLastCheck
    }

    /// Whether it waits for its peer's next request, and for nothing else.
    var isAwaitingRequest: Bool { isIdle && !isReadingPaused && !isClosing && interest == .readable && !isInBacklog }

    /// Whether a process is the one that connected. The caller holds the process already. The pid alone proves nothing:
    /// it may have been reused after the peer ended.
    ///
    /// - Throws: If the kernel does not report the process.
    func isPeer(_ process: borrowing LinuxProcess) throws(RlimitError) -> Bool {
        guard let peerProcess else {
            guard peer.pid == process.pid, let peerProcess = try reopenPeer() else { return false }
            return peerProcess.pid == process.pid && !peerProcess.hasEnded
        }
        return peerProcess.process.pid == process.pid && !peerProcess.process.hasEnded
    }

    /// Whether the kernel returns the peer's process at any time (SO_PEERPIDFD).
    var canReopenPeer: Bool { peer.isPinned }

    /// Asks the kernel for the peer's process again; nil if it has ended, or has no pid in the agent's PID namespace.
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

    /// - Parameter peerProcess: Acquired from `ProcessCache` for this session, which releases it.
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

/// Bytes that wait for another turn of their session. A session without such bytes has no buffer.
final class PartialBuffer {
    var bytes = ByteQueue()
    /// For complete frames: when they were received.
    var receivedAt: BootInstant?
}
