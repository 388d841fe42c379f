import RlimitKernel
public import RlimitModel

extension BlockingLimitClient {
    /// Limits that were raised and are restored when the lease ends.
    ///
    /// A lease ends when it is released, when its handle goes out of scope, when its duration has elapsed, or when the
    /// target process ends. A lease without a duration also ends when the connection closes.
    ///
    /// The handle has one owner and lives to the end of its scope. A handle that goes out of scope sends the release
    /// without waiting for the outcome; `release()` waits and returns it. `_ = try client.lease(...)` releases at once:
    /// if the handle itself is not needed, use `withLease`.
    ///
    /// A lease only raises. An edit that would lower a limit is refused.
    ///
    /// No thread renews it. A lease without a duration must be renewed with `renew()` in time if the policy bounds the
    /// time without a renewal (`expires` is then not nil), and within 30 seconds after the start of a new agent.
    ///
    /// The end of a lease lowers limits, but never below their value before the lease, nor below what other leases on
    /// the process hold. It does not change a limit that another process has changed since. Children keep the limits
    /// that they have inherited.
    public struct Lease: ~Copyable, Sendable {
        let leaseState: LeaseState
        let client: BlockingLimitClient

        // In nanoseconds. Sending is immediate unless the agent leaves the socket buffer full.
        private static let postTimeout: UInt64 = 100_000_000

        /// Its id, for `leases()`, `renew(_:for:)` and `release(_:)` of the client.
        public var id: LeaseInfo.ID { leaseState.id }

        /// The changes, in the order of the edits. `old` is the value that is restored.
        public var changes: [Change] { leaseState.changes }

        /// The time at which it ends without a renewal, by a clock that runs while the machine sleeps; nil if it lasts
        /// as long as the connection.
        public var expires: ContinuousClock.Instant? { leaseState.expires }

        /// Renews the lease: it ends this duration after now, earlier or later than before.
        ///
        /// A lease without a duration ends then, or with the connection if that is sooner.
        ///
        /// - Parameter duration: More than zero and at most 365 days, rounded up to milliseconds. A rule's `lease.max`
        ///   bounds it.
        /// - Throws: `.leaseEnded`; `.deniedByPolicy` for more than the rule permits; `.invalidArgument`; and the
        ///   errors of every call to the agent: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`,
        ///   `.connectionLost`, `.rateLimited`, `.malformed`. After any error but the first the lease continues
        ///   unchanged.
        @available(*, noasync)
        public func renew(for duration: Duration) throws(RlimitError) { try renew(LeaseTerm(.some(duration))) }

        /// Renews the lease for as long as the connection lasts; a new agent takes it over.
        ///
        /// - Throws: As `renew(for:)`.
        @available(*, noasync)
        public func renew() throws(RlimitError) { try renew(.connection) }

        private func renew(_ term: LeaseTerm) throws(RlimitError) {
            try leaseState.requireLive()
            do throws(RlimitError) {
                let lease = try client.sharedConnection.perform(
                    LeaseRenewalCall(leaseState.id, term), until: client.deadline)
                leaseState.update(lease, term, on: nil)
            } catch {
                if error.code == .leaseEnded { leaseState.markEnded(error) }
                throw error
            }
        }

        /// Releases the lease now. Returns the outcome for each resource.
        ///
        /// - Throws: `.leaseEnded` if it has ended before; and the errors of every call to the agent. After such an
        ///   error it ends when its duration has elapsed. A lease without a duration ends with the connection, or 30
        ///   seconds after the start of a new agent.
        @available(*, noasync)
        @discardableResult
        public consuming func release() throws(RlimitError) -> [Restoration] {
            try leaseState.requireLive()
            guard leaseState.markReleased() else { return [] }
            return try client.release(leaseState.id)
        }

        /// Gives up the handle without releasing the lease. It ends when its duration has elapsed, or by `release(_:)`
        /// of the client.
        ///
        /// A lease without a duration still ends with the connection, which lasts as long as any copy of the client.
        ///
        /// - Returns: The id, for renewing and releasing it.
        public consuming func keep() -> LeaseInfo.ID {
            _ = leaseState.markReleased()
            return leaseState.id
        }

        deinit {
            guard leaseState.markReleased() else { return }
            client.sharedConnection.post(
                LeaseReleaseCall(leaseState.id).request, until: MonotonicDeadline(after: Self.postTimeout))
        }
    }
}
