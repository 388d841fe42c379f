import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

// What takes longer than a turn.
extension Desk {
    /// Begins to look through a cgroup.
    mutating func begin(_ request: Request, about target: CgroupTarget, for session: Session) throws(RlimitError) {
        let cgroup: String
        do throws(RlimitError) {
            cgroup = try handler.policy.cgroup(of: target, for: session.peer)
        } catch {
            handler.refused(error, request, to: session.peer, target: nil)
            throw error
        }
        try begin(for: session) { now throws(RlimitError) in
            try CgroupErrand(request, about: cgroup, for: session, now: now)
        }
    }

    /// Begins to look through the threads of a process that is held meanwhile.
    mutating func begin(
        _ request: Request, aboutThreadsOf process: borrowing KernelProcess, for session: Session
    ) throws(RlimitError) {
        let pid = process.pid
        try begin(for: session) { now throws(RlimitError) in
            try ThreadErrand(request, of: pid, for: session, now: now)
        }
        // If it ended, the number may be another's.
        guard process.hasEnded else { return }
        endErrand(of: session)
        throw RlimitError(.noSuchProcess, message: "no such process: it has ended")
    }

    // A session has one at a time, and a tenant a few.
    private mutating func begin(
        for session: Session, _ make: (Moment) throws(RlimitError) -> Errand
    ) throws(RlimitError) {
        guard session.errand == nil, session.account.errands < Account.greatestErrands,
            errands.count < budget.errands
        else {
            throw RlimitError(
                .rateLimited, message: "too many requests that take long are under way; try again later",
                retryAfter: .seconds(1))
        }
        session.errand = try make(now)
        session.account.errands += 1
        errands.append(session.token)
    }

    /// Whoever waits for the end of this session's errand waits no longer.
    mutating func endErrand(of session: Session) {
        guard let errand = session.errand.take() else { return }
        errand.end(for: session, &handler)
        session.account.errands -= 1
        session.isBlocked = false
        errands.removeAll { $0 == errand.token }
    }

    /// One slice of a session's errand; true once it is done.
    mutating func advance(_ session: Session, until end: Moment) throws(SystemError) -> Bool {
        guard let errand = session.errand else { return true }
        switch errand.advance(until: end, for: session, &handler) {
        case .goesOn: return false
        case .answers(let outcome, let more):
            let start = output.count
            encoder.encode(Response(id: errand.request.id, more: more, outcome), into: &output)
            if !more { endErrand(of: session) }
            try sendNow(from: start, to: session)
            return !more
        }
    }
}
