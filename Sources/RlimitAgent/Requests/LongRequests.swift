import RlimitKernel
import RlimitModel
import RlimitWire

/// The long requests under way, in the order in which they get their next slice: one for each session, a few for each
/// tenant.
struct LongRequests {
    // Tokens of sessions.
    private var order: [UInt64] = []
    private let maxCount: Int

    init(maxCount: Int) { self.maxCount = maxCount }

    var isEmpty: Bool { order.isEmpty }

    /// Whether a long request can make progress. It cannot while its peer does not accept the responses.
    func hasReady(in sessions: SessionTable) -> Bool {
        order.contains { sessions[$0]?.isOutputDrained ?? true }
    }

    /// The session with the next slice; nil if no long request can make progress.
    mutating func next(in sessions: SessionTable) -> Session? {
        guard let place = order.firstIndex(where: { sessions[$0]?.isOutputDrained ?? true }) else { return nil }
        let token = order.remove(at: place)
        guard let session = sessions[token] else { return nil }
        order.append(token)
        return session
    }

    /// Begins to scan a cgroup.
    mutating func begin(
        _ request: Request, aboutCgroup cgroup: String, for session: Session, now: BootInstant
    ) throws(RlimitError) {
        try begin(for: session) { () throws(RlimitError) in
            try CgroupRequest(request, about: cgroup, for: session, now: now)
        }
    }

    /// Begins to scan the threads of a process.
    mutating func begin(
        _ request: Request, aboutThreadsOf process: borrowing LinuxProcess, for session: Session, now: BootInstant,
        _ handler: inout RequestHandler
    ) throws(RlimitError) {
        let pid = process.pid
        try begin(for: session) { () throws(RlimitError) in
            try ThreadUsageRequest(request, of: pid, for: session, now: now)
        }
        // If the process has ended, its pid may belong to another process.
        guard process.hasEnded else { return }
        finish(for: session, &handler)
        throw .processEnded
    }

    private mutating func begin(
        for session: Session, _ make: () throws(RlimitError) -> LongRequest
    ) throws(RlimitError) {
        guard session.longRequest == nil, session.tenantUsage.longRequests < TenantUsage.maxLongRequests,
            order.count < maxCount
        else {
            throw RlimitError(
                .rateLimited, message: "too many requests that take long are under way; try again later",
                retryAfter: .seconds(1))
        }
        session.longRequest = try make()
        session.tenantUsage.longRequests += 1
        order.append(session.token)
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

    /// Ends a session's long request, and lets the frames continue that waited for it.
    mutating func finish(for session: Session, _ handler: inout RequestHandler) {
        guard let longRequest = session.longRequest.take() else { return }
        longRequest.cleanUp(for: session, &handler)
        session.tenantUsage.longRequests -= 1
        session.isBlocked = false
        order.removeAll { $0 == longRequest.token }
    }
}
