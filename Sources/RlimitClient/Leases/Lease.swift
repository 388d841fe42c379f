import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Limits that were raised and are restored when the lease ends.
    ///
    /// A lease ends when it is released, when its handle goes out of scope, when its duration has elapsed, or when the
    /// target process ends. A lease without a duration also ends when the connection closes.
    ///
    /// The handle has one owner and lives to the end of its scope. A handle that goes out of scope sends the release
    /// without waiting for the outcome; `release()` waits and returns it. `_ = try await client.lease(...)` releases at
    /// once: if the handle itself is not needed, use `withLease`.
    ///
    /// A lease only raises. An edit that would lower a limit is refused.
    ///
    /// A lease without a duration lasts as long as the connection that all copies of the client share. After a restart
    /// of the agent the client claims it again. If a rule's `lease.max` bounds the time without a renewal, the client
    /// renews it in time. Ten minutes without an agent end it, and so does `close()`.
    ///
    /// The end of a lease lowers limits, but never below their value before the lease, nor below what other leases on
    /// the process hold. It does not change a limit that another process has changed since. Children keep the limits
    /// that they have inherited.
    public struct Lease: ~Copyable, Sendable {
        let leaseState: LeaseState
        let client: LimitClient

        /// Its id, for `leases()`, `renew(_:for:)` and `release(_:)` of the client.
        public var id: LeaseInfo.ID { leaseState.id }

        /// The changes, in the order of the edits. `old` is the value that is restored.
        public var changes: [Change] { leaseState.changes }

        /// The time at which it ends without a renewal, by a clock that runs while the machine sleeps; nil if it lasts
        /// as long as the connection. For a lease that the client renews, the end of the last renewal.
        public var expires: ContinuousClock.Instant? { leaseState.expires }

        /// Renews the lease: it ends this duration after now, earlier or later than before.
        ///
        /// A lease without a duration ends then, or with the connection if that is sooner.
        ///
        /// - Parameter duration: More than zero and at most 365 days, rounded up to milliseconds. A rule's `lease.max`
        ///   bounds it.
        /// - Throws: `.leaseEnded`; `.deniedByPolicy` for more than the rule permits; `.invalidArgument`; and the
        ///   errors of every call to the agent: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`,
        ///   `.connectionLost`, `.cancelled`, `.rateLimited`, `.malformed`. After any error but the first the lease
        ///   continues unchanged.
        public func renew(for duration: Duration) async throws(RlimitError) {
            let deadline = client.deadline
            try await client.renewer.renew(leaseState, LeaseTerm(.some(duration)), until: deadline)
        }

        /// Releases the lease now. Returns the outcome for each resource.
        ///
        /// The request is sent before the call waits, so the lease is released even if the call throws `.cancelled` or
        /// `.deadlineExceeded`. After `.connectionLost` and `.agentUnreachable` it ends when its duration has elapsed.
        /// A lease without a duration then ends with the connection, or 30 seconds after the start of a new agent.
        ///
        /// - Throws: `.leaseEnded` if it has ended before; and the errors of every call to the agent.
        @discardableResult
        public consuming func release() async throws(RlimitError) -> [Restoration] {
            let deadline = client.deadline
            try leaseState.requireLive()
            guard client.renewer.stopRenewing(leaseState) else { return [] }
            return try await client.renewer.sendRelease(leaseState.id).restorations(at: client.socket, until: deadline)
        }

        /// Gives up the handle without releasing the lease. It ends when its duration has elapsed, or by `release(_:)`
        /// of the client.
        ///
        /// A lease without a duration still ends with the connection, which lasts as long as any copy of the client.
        /// The client neither renews it nor claims it again.
        ///
        /// - Returns: The id, for renewing and releasing it.
        public consuming func keep() -> LeaseInfo.ID {
            _ = client.renewer.stopRenewing(leaseState)
            return leaseState.id
        }

        deinit {
            if client.renewer.stopRenewing(leaseState) { client.renewer.sendRelease(leaseState.id) }
        }
    }
}
