import RlimitKernel
import RlimitPolicy
import RlimitWire

/// The memory of the buffers of all sessions. A session of a tenant that takes too much of it processes no requests.
///
/// As with connections, no tenant takes more than remains for all others. Then many tenants together leave nothing, so a
/// third is only for tenants whose peers read: a response to them always has room. A part of it is for administrators.
struct BufferBudget {
    /// The bytes that count: at least what the buffers of all sessions take.
    private(set) var bytes = 0
    /// The number of sessions that may have to end without an event.
    private(set) var waitingSessions = 0
    private let maxBytes: Int

    /// The maximum for all sessions. ARCHITECTURE.md shows what this leaves of the unit's memory.
    static let standardMaxBytes = 48 << 20
    /// What the connections of a tenant whose peers read have at most.
    private static let smallShare = 16 << 10

    init(maxBytes: Int = standardMaxBytes) { self.maxBytes = maxBytes }

    /// Whether many of the counted bytes may have been read since, so that sessions are to be measured.
    var needsMeasurements: Bool { bytes > maxBytes / 6 }

    /// Whether a session may process requests.
    func hasRoom(for session: Session, _ policy: Policy) -> Bool {
        let own = session.tenantUsage.bufferBytes
        return bytes + own <= maxBytes / 3 * 2
            || own <= Self.smallShare && bytes <= maxBytes - maxBytes / 16
            || bytes + own <= maxBytes && policy.isAdministrator(session.peer)
    }

    /// Whether a session may process requests. If not, it waits for room.
    mutating func admit(_ session: Session, _ policy: Policy, now: BootInstant) -> Bool {
        if hasRoom(for: session, policy) { return true }
        measure(session, now: now)
        if hasRoom(for: session, policy) { return true }
        guard session.buffers.waitsForRoomSince == nil else { return false }
        session.buffers.waitsForRoomSince = now
        session.tenantUsage.sessionsWithoutRoom += 1
        if session.buffers.stalledSince == nil { waitingSessions += 1 }
        return false
    }

    /// Ends the wait for room. The agent has read nothing meanwhile, so the time limit of a frame begins again.
    mutating func endWait(of session: Session, now: BootInstant) {
        guard session.buffers.waitsForRoomSince.take() != nil else { return }
        session.tenantUsage.sessionsWithoutRoom -= 1
        if session.buffers.stalledSince == nil { waitingSessions -= 1 }
        session.restartPartialFrame(at: now)
    }

    /// Counts a session's buffers after they changed.
    mutating func update(_ session: Session, now: BootInstant) {
        var usage = session.buffers
        let (counted, isWaiting) = (usage.counted, usage.isWaiting)
        if usage.needsMeasurement(isBudgetShort: needsMeasurements) { usage.measure(session.socket) }
        let acceptsAgain = usage.update(
            unread: session.unread?.bytes.capacity ?? 0, unsent: session.unsent?.bytes.capacity, now: now)
        session.buffers = usage
        bytes += usage.counted - counted
        session.tenantUsage.bufferBytes += usage.counted - counted
        if usage.isWaiting != isWaiting { waitingSessions += isWaiting ? -1 : 1 }
        // The agent read nothing while the peer did not read.
        if acceptsAgain { session.restartPartialFrame(at: now) }
    }

    /// Counts a session's buffers by what the kernel reports.
    mutating func measure(_ session: Session, now: BootInstant) {
        guard session.buffers.mayHaveUnread else { return }
        session.buffers.measure(session.socket)
        update(session, now: now)
    }

    /// Stops counting an ended session.
    mutating func release(_ session: Session) {
        if session.buffers.isWaiting { waitingSessions -= 1 }
        if session.buffers.waitsForRoomSince != nil { session.tenantUsage.sessionsWithoutRoom -= 1 }
        bytes -= session.buffers.counted
        session.tenantUsage.bufferBytes -= session.buffers.counted
        session.buffers = BufferUsage()
    }
}
