import RlimitModel
import RlimitPolicy

/// The checks that precede any look at a request's target: rate, timeout, and the peer's ids.
enum Admission {
    /// Counts a request against its tenant's rate, and checks whether it may be processed.
    static func check(
        _ request: Request, from session: Session, _ clock: TurnClock, _ handler: inout RequestHandler
    ) throws(RlimitError) {
        try checkRate(from: session, timeout: request.timeout, clock, &handler)
        guard !session.peer.hasMixedIDs || request.operation == .serverInfo else {
            let error = Policy.mixedIDs(session.peer)
            handler.recordRefusal(error, request, to: session.peer, target: nil)
            throw error
        }
    }

    /// The same for a request of a peer without mixed ids.
    static func checkRate(
        from session: Session, timeout: Duration?, _ clock: TurnClock, _ handler: inout RequestHandler
    ) throws(RlimitError) {
        let rate = handler.policy.quota.requestsPerSecond
        if let wait = session.tenantUsage.takeRequestToken(ratePerSecond: rate, now: clock.now) {
            handler.statistics.refusals += 1
            throw .rateExceeded(ratePerSecond: rate, retryAfter: wait)
        }
        // The requests before it in the session's input may have used up its time.
        if let timeout, clock.hasPassed(timeout) { throw RlimitError(.deadlineExceeded) }
    }
}
