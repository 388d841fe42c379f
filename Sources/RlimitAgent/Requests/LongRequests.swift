import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

/// The long requests under way, in the order in which they get their next slice: one for each session, a few for each
/// tenant.
struct LongRequests {
    private var order: [Slot] = []
    private let limits: LongRequestLimits

    private struct Slot {
        let session: Session
        let caller: LongRequestLimits.Caller
    }

    /// The time without progress of a peer after which another caller may take over its slot.
    private static let takeoverTime: Duration = .milliseconds(500)

    init(maxCount: Int) { limits = LongRequestLimits(all: maxCount) }

    var isEmpty: Bool { order.isEmpty }

    /// Whether a long request can make progress.
    var hasReady: Bool { order.contains { Self.canAdvance($0.session) } }

    // Not while its peer does not accept the responses, or its tenant's buffers have no room.
    private static func canAdvance(_ session: Session) -> Bool {
        session.isOutputDrained && session.buffers.waitsForRoomSince == nil
    }

    /// The session with the next slice; nil if no long request can make progress.
    mutating func next() -> Session? {
        guard let place = order.firstIndex(where: { Self.canAdvance($0.session) }) else { return nil }
        let slot = order.remove(at: place)
        order.append(slot)
        return slot.session
    }

    /// Begins to scan a cgroup.
    mutating func begin(
        _ request: Request, aboutCgroup cgroup: String, for session: Session, _ policy: Policy, now: BootInstant
    ) throws(RlimitError) {
        try begin(for: session, policy) { () throws(RlimitError) in
            try CgroupRequest(request, about: cgroup, for: session, now: now)
        }
    }

    /// Begins to scan the threads of a process.
    mutating func begin(
        _ request: Request, aboutThreadsOf process: borrowing LinuxProcess, for session: Session, now: BootInstant,
        _ handler: inout RequestHandler
    ) throws(RlimitError) {
        let pid = process.pid
        try begin(for: session, handler.policy) { () throws(RlimitError) in
            try ThreadUsageRequest(request, of: pid, for: session, now: now)
        }
        // If the process has ended, its pid may belong to another process.
        guard process.hasEnded else { return }
        finish(for: session, &handler)
        throw .processEnded
    }

    private mutating func begin(
        for session: Session, _ policy: Policy, _ make: () throws(RlimitError) -> LongRequest
    ) throws(RlimitError) {
        let caller = LongRequestLimits.Caller(session.peer, policy)
        guard session.longRequest == nil,
            session.tenantUsage.longRequests < LongRequestLimits.limit(ofTenantWith: available(to: caller))
        else {
            throw RlimitError(
                .rateLimited, message: "too many requests that take long are under way; try again later",
                retryAfter: .seconds(1))
        }
        session.longRequest = try make()
        session.tenantUsage.longRequests += 1
        order.append(Slot(session: session, caller: caller))
    }

    private func available(to caller: LongRequestLimits.Caller) -> Int {
        limits.available(
            to: caller, besides: order.count, ofThemWithoutRule: order.count { $0.caller == .withoutRule })
    }

    /// The session whose long request is to be given up, so that another session's can begin; nil if there is a free
    /// slot, or if all peers read their responses. A tenant with the maximum takes over its own slots only.
    func sessionToGiveUp(for session: Session, _ policy: Policy, now: BootInstant) -> Session? {
        guard !order.isEmpty else { return nil }
        let caller = LongRequestLimits.Caller(session.peer, policy)
        let tenantUsage = session.tenantUsage
        guard tenantUsage.longRequests >= LongRequestLimits.limit(ofTenantWith: available(to: caller)) else {
            return nil
        }
        let isTenantFull = tenantUsage.longRequests >= TenantUsage.maxLongRequests
        let isShareFull = caller == .withoutRule && available(to: .withRule) > 0
        var found: (session: Session, since: BootInstant)?
        for slot in order {
            if isTenantFull && slot.session.tenantUsage !== tenantUsage { continue }
            if isShareFull && slot.caller != .withoutRule { continue }
            guard let since = slot.session.buffers.stalledSince, now - since >= Self.takeoverTime,
                since < found?.since ?? now
            else { continue }
            found = (slot.session, since)
        }
        return found?.session
    }

    /// Advances a session's long request by one slice, and sends the response if there is one.
    ///
    /// - Returns: Whether the session has no long request any more.
    mutating func advance(
        _ session: Session, until end: BootInstant, _ handler: inout RequestHandler, _ replies: inout ReplySender
    ) throws(SystemError) -> Bool {
        guard let longRequest = session.longRequest else { return true }
        switch longRequest.advance(until: end, for: session, &handler) {
        case .unfinished: return false
        case .response(let outcome, let more):
            let start = replies.end
            replies.append(Response(id: longRequest.request.id, more: more, outcome))
            if !more { finish(for: session, &handler) }
            try replies.sendNow(from: start, to: session)
            return !more
        }
    }

    /// Ends a session's long request early, because its peer does not read. The last response goes out behind those
    /// that the peer has not read.
    mutating func giveUp(_ session: Session, _ handler: inout RequestHandler, _ replies: inout ReplySender) {
        guard let longRequest = session.longRequest else { return }
        let start = replies.end
        replies.append(Response(id: longRequest.request.id, longRequest.outcomeWithoutReader()))
        finish(for: session, &handler)
        // If the connection is gone, the poller reports it.
        _ = try? replies.sendNow(from: start, to: session)
    }

    /// Ends a session's long request, and lets the frames continue that waited for it.
    mutating func finish(for session: Session, _ handler: inout RequestHandler) {
        guard let longRequest = session.longRequest.take() else { return }
        longRequest.cleanUp(for: session, &handler)
        session.tenantUsage.longRequests -= 1
        session.isBlocked = false
        order.removeAll { $0.session === session }
    }
}
