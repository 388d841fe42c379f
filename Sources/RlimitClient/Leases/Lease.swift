import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Limits that were raised and go back: when this is released, when it goes out of scope, when its time is over, when
    /// the process ends whose limits they are, or, where it was granted without a duration, when the connection closes.
    ///
    /// It has one owner and lives to the end of its scope. What goes out of scope is given back without waiting for what
    /// comes of it; `release()` waits and tells. Beware of `_ = try await client.lease(...)`, which gives back at once: where
    /// the lease itself is not needed, use `withLease`.
    ///
    /// A lease only raises: what would lower a limit is refused.
    ///
    /// One without a duration lasts as long as the connection that all copies of the client share. When the agent is started
    /// anew the client claims it again, and where the policy bounds how long it may go without being renewed (`lease.max`)
    /// the client renews it in time; both by itself. Ten minutes without an agent end it, and so does `close()`.
    ///
    /// The end of a lease lowers limits, but never below what the process had before, nor below what other leases on it hold;
    /// nor does it touch what somebody else changed meanwhile. Children keep what they inherited.
    public struct Lease: ~Copyable, Sendable {
        let leaseState: LeaseState
        let client: LimitClient

        /// What it is called, for `leases()`, `renew(_:for:)` and `release(_:)` of the client.
        public var id: LeaseInfo.ID { leaseState.id }

        /// What was changed, in the order of the edits: `old` is what it goes back to.
        public var changes: [Change] { leaseState.changes }

        /// When it ends if it is not renewed, by a clock that goes on while the machine sleeps; nil where it lasts as long as
        /// the connection. Of one that the client renews by itself, the time up to which it did.
        public var expires: ContinuousClock.Instant? { leaseState.expires }

        /// Gives it so much time from now, more or less than it had. One without a duration ends then, or with the connection if
        /// that is sooner.
        ///
        /// - Parameter duration: More than zero and at most 365 days, in whole milliseconds, rounded up. A rule's `lease.max`
        ///   bounds it.
        /// - Throws: `.leaseEnded`; `.deniedByPolicy` for more than the rule allows; `.invalidArgument`; and what can befall
        ///   any call to the agent: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`,
        ///   `.cancelled`, `.rateLimited`, `.malformed`. But for the first it is held as before.
        public func renew(for duration: Duration) async throws(RlimitError) {
            let deadline = client.deadline
            try await client.renewer.renew(leaseState, LeaseTerm(.some(duration)), until: deadline)
        }

        /// Gives back now, and tells what came of it for each resource.
        ///
        /// The request is sent before anything is waited for, so it is given back also where this throws `.cancelled` or
        /// `.deadlineExceeded`. After `.connectionLost` and `.agentUnreachable` it ends at its time, and one without a
        /// duration with the connection or 30 seconds after a new agent started.
        ///
        /// - Throws: `.leaseEnded` where it had ended before; and what can befall any call to the agent.
        @discardableResult
        public consuming func release() async throws(RlimitError) -> [Restoration] {
            let deadline = client.deadline
            try leaseState.requireLive()
            guard client.renewer.stopRenewing(leaseState) else { return [] }
            return try await client.renewer.sendRelease(leaseState.id).restorations(at: client.socket, until: deadline)
        }

        /// Lets go of it without giving it back: it ends at its time, or by `release(_:)` of the client.
        ///
        /// One without a duration still ends with the connection, which lasts as long as any copy of the client does; it is
        /// neither renewed nor claimed again any more.
        ///
        /// - Returns: What it is renewed and released by.
        public consuming func keep() -> LeaseInfo.ID {
            _ = client.renewer.stopRenewing(leaseState)
            return leaseState.id
        }

        deinit {
            if client.renewer.stopRenewing(leaseState) { client.renewer.sendRelease(leaseState.id) }
        }
    }
}
