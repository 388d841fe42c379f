import RlimitKernel
public import RlimitModel

extension BlockingLimitClient {
    /// Limits that were raised and go back: when this is released, when it goes out of scope, when its time is over, when
    /// the process ends whose limits they are, or, where it was granted without a duration, when the connection closes.
    ///
    /// It has one owner and lives to the end of its scope. What goes out of scope is given back without waiting for what
    /// comes of it; `release()` waits and tells. Beware of `_ = try client.lease(...)`, which gives back at once: where the
    /// lease itself is not needed, use `withLease`.
    ///
    /// A lease only raises: what would lower a limit is refused.
    ///
    /// There is no thread behind it. One without a duration must be renewed by `renew()` where the policy bounds how long it
    /// may go without that (`expires` is not nil then), and within 30 seconds of the start of a new agent.
    ///
    /// The end of a lease lowers limits, but never below what the process had before, nor below what other leases on it hold;
    /// nor does it touch what somebody else changed meanwhile. Children keep what they inherited.
    public struct Lease: ~Copyable, Sendable {
        let leaseState: LeaseState
        let client: BlockingLimitClient

        // To send takes no time, where the agent does not leave its socket full.
        private static let postTimeout: UInt64 = 100_000_000

        /// What it is called, for `leases()`, `renew(_:for:)` and `release(_:)` of the client.
        public var id: LeaseInfo.ID { leaseState.id }

        /// What was changed, in the order of the edits: `old` is what it goes back to.
        public var changes: [Change] { leaseState.changes }

        /// When it ends if it is not renewed, by a clock that goes on while the machine sleeps; nil where it lasts as long as
        /// the connection.
        public var expires: ContinuousClock.Instant? { leaseState.expires }

        /// Gives it so much time from now, more or less than it had. One without a duration ends then, or with the connection if
        /// that is sooner.
        ///
        /// - Parameter duration: More than zero and at most 365 days, in whole milliseconds, rounded up. A rule's `lease.max`
        ///   bounds it.
        /// - Throws: `.leaseEnded`; `.deniedByPolicy` for more than the rule allows; `.invalidArgument`; and what can befall
        ///   any call to the agent: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`,
        ///   `.rateLimited`, `.malformed`. But for the first it is held as before.
        @available(*, noasync)
        public func renew(for duration: Duration) throws(RlimitError) { try renew(LeaseTerm(.some(duration))) }

        /// Lets it last as long as the connection; from a new agent it is claimed so.
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

        /// Gives back now, and tells what came of it for each resource.
        ///
        /// - Throws: `.leaseEnded` where it had ended before; and what can befall any call to the agent, after which it ends at
        ///   its time, and one without a duration with the connection or 30 seconds after a new agent started.
        @available(*, noasync)
        @discardableResult
        public consuming func release() throws(RlimitError) -> [Restoration] {
            try leaseState.requireLive()
            guard leaseState.markReleased() else { return [] }
            return try client.release(leaseState.id)
        }

        /// Lets go of it without giving it back: it ends at its time, or by `release(_:)` of the client.
        ///
        /// One without a duration still ends with the connection, which lasts as long as any copy of the client does.
        ///
        /// - Returns: What it is renewed and released by.
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
