import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

// What takes longer than a turn.
extension Dispatcher {
    /// Begins to look through a cgroup.
    mutating func startLongRequest(_ request: Request, about target: CgroupTarget, for session: Session)
        throws(RlimitError)
    {
        let cgroup: String
        do throws(RlimitError) {
            cgroup = try handler.policy.cgroup(of: target, for: session.peer)
        } catch {
            handler.recordRefusal(error, request, to: session.peer, target: nil)
            throw error
        }
        try startLongRequest(for: session) { now throws(RlimitError) in
            try CgroupRequest(request, about: cgroup, for: session, now: now)
        }
    }

    /// Begins to look through the threads of a process that is held meanwhile.
    mutating func startLongRequest(
        _ request: Request, aboutThreadsOf process: borrowing LinuxProcess, for session: Session
    ) throws(RlimitError) {
        let pid = process.pid
        try startLongRequest(for: session) { now throws(RlimitError) in
            try ThreadUsageRequest(request, of: pid, for: session, now: now)
        }
        // If it ended, the number may be another's.
        guard process.hasEnded else { return }
        finishLongRequest(of: session)
        throw RlimitError(.noSuchProcess, message: "no such process: it has ended")
    }

    // A session has one at a time, and a tenant a few.
    private mutating func startLongRequest(
        for session: Session, _ make: (BootInstant) throws(RlimitError) -> LongRequest
    ) throws(RlimitError) {
        guard session.longRequest == nil, session.tenantUsage.longRequests < TenantUsage.maxLongRequests,
            longRequests.count < budget.maxLongRequests
        else {
            throw RlimitError(
                .rateLimited, message: "too many requests that take long are under way; try again later",
                retryAfter: .seconds(1))
        }
        session.longRequest = try make(now)
        session.tenantUsage.longRequests += 1
        longRequests.append(session.token)
    }

    /// Whoever waits for the end of this session's errand waits no longer.
    mutating func finishLongRequest(of session: Session) {
        guard let longRequest = session.longRequest.take() else { return }
        longRequest.cleanUp(for: session, &handler)
        session.tenantUsage.longRequests -= 1
        session.isBlocked = false
        longRequests.removeAll { $0 == longRequest.token }
    }

    /// One slice of a session's errand; true once it is done.
    mutating func advance(_ session: Session, until end: BootInstant) throws(SystemError) -> Bool {
        guard let longRequest = session.longRequest else { return true }
        switch longRequest.advance(until: end, for: session, &handler) {
        case .unfinished: return false
        case .response(let outcome, let more):
            let start = output.count
            encoder.encode(Response(id: longRequest.request.id, more: more, outcome), into: &output)
            if !more { finishLongRequest(of: session) }
            try sendNow(from: start, to: session)
            return !more
        }
    }
}
