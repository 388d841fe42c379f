import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

// What takes longer than a turn.
extension Desk {
    /// Errands under way at once, of all sessions: each holds some descriptors.
    static let greatestErrands = 32

    /// Begins one for a session, which has none.
    func begin(_ request: Request, about target: CgroupTarget, for session: Session) throws(RlimitError) {
        let cgroup: String
        do throws(RlimitError) {
            cgroup = try handler.policy.cgroup(of: target, for: session.peer)
        } catch {
            handler.refused(error, request, to: session.peer, target: nil)
            throw error
        }
        guard session.account.errands < Account.greatestErrands, errands.count < Self.greatestErrands else {
            throw RlimitError(
                .rateLimited, message: "too many requests about cgroups are under way; try again later",
                retryAfter: .seconds(1))
        }
        let errand = try Errand(request, about: cgroup, for: session, now: now)
        session.errand = errand
        session.account.errands += 1
        errands.append(errand.token)
    }

    /// Whoever waits for the end of this session's errand waits no longer.
    func endErrand(of session: Session) {
        guard let errand = session.errand.take() else { return }
        session.account.errands -= 1
        session.isBlocked = false
        errands.removeAll { $0 == errand.token }
    }

    /// One slice of a session's errand; true once it is done.
    func advance(_ session: Session, until end: ContinuousClock.Instant) throws(SystemError) -> Bool {
        guard let errand = session.errand else { return true }
        switch errand.advance(until: end, for: session, &handler) {
        case .goesOn: return false
        case .answers(let reply, let more):
            encoder.encode(Response(id: errand.request.id, more: more, .success(reply)), into: &output)
            if !more { endErrand(of: session) }
            _ = try send(to: session)
            return !more
        }
    }
}
