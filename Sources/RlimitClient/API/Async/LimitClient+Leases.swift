import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Makes one edit until the lease ends.
    ///
    /// Only the agent grants leases, with any strategy, and only of resources that it can restore safely: open files,
    /// locked memory, processes, core file size, pending signals and message queue bytes.
    ///
    /// ```swift
    /// let lease = try await client.lease(.raise(.lockedMemory, to: .gibibytes(8)), for: .seconds(600))
    /// ```
    ///
    /// - Parameters:
    ///   - edit: The edit. A lease never lowers. Raising the soft limit alone also needs a rule that permits it.
    ///   - target: The process. Its children are not part of the lease.
    ///   - duration: More than zero and at most 365 days, rounded up to milliseconds; nil for as long as the connection
    ///     lasts. A rule's `lease.max` bounds it.
    /// - Returns: A handle that releases the lease when it goes out of scope.
    /// - Throws: `.unsupported` for other resources; `.deniedByPolicy`, with the refusing rule; `.quotaExceeded` for
    ///   too many leases; `.invalidArgument` for a duration out of range, and for an edit that lowers; and as
    ///   `apply(_:on:)`. A lease that is granted after the call has thrown `.cancelled` or `.deadlineExceeded` is
    ///   released at once.
    public func lease(
        _ edit: Edit, on target: Target = .currentProcess, for duration: Duration? = nil
    ) async throws(RlimitError) -> Lease {
        try await lease([edit], on: target, for: duration)
    }

    /// Makes edits of distinct resources under one lease, all or none.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice, and for an
    ///   empty list.
    public func lease(
        _ edits: [Edit], on target: Target = .currentProcess, for duration: Duration? = nil
    ) async throws(RlimitError) -> Lease {
        let deadline = deadline
        let term = try LeaseTerm(duration)
        let stateMachine = try EditStateMachine(edits, on: target, strategy, lease: term)
        let (lease, connection) = try await sharedConnection.lease(stateMachine, reportingTo: renewer, until: deadline)
        let leaseState = LeaseState(lease, term)
        renewer.track(leaseState, lease, term, on: connection)
        return Lease(leaseState: leaseState, client: self)
    }

    /// Makes one edit while `body` runs, and releases the lease when `body` returns, throws or is cancelled.
    ///
    /// ```swift
    /// try await client.withLease(.raise(.lockedMemory, to: .gibibytes(8))) { _ in try await serve() }
    /// ```
    ///
    /// - Throws: As `lease(_:on:for:)`, and what `body` throws. An error of the release is ignored; the lease then ends
    ///   with the connection.
    public func withLease<R>(
        _ edit: Edit, on target: Target = .currentProcess, _ body: (borrowing Lease) async throws -> R
    ) async throws -> R {
        try await withLease([edit], on: target, body)
    }

    /// Makes edits of distinct resources while `body` runs, all or none.
    ///
    /// - Throws: As for one edit.
    public func withLease<R>(
        _ edits: [Edit], on target: Target = .currentProcess, _ body: (borrowing Lease) async throws -> R
    ) async throws -> R {
        let lease = try await lease(edits, on: target)
        let result: R
        do {
            result = try await body(lease)
        } catch {
            _ = try? await lease.release()
            throw error
        }
        _ = try? await lease.release()
        return result
    }

    /// Returns the caller's leases. A rule can permit the caller to see all leases (`lease_list`).
    ///
    /// - Throws: As `agentInfo()`.
    public func leases() async throws(RlimitError) -> [LeaseInfo] {
        try await sharedConnection.perform(LeaseListCall(), until: deadline)
    }

    /// Renews a kept lease: it ends this duration after now.
    ///
    /// - Parameter duration: As for `Lease.renew(for:)`.
    /// - Returns: The renewed lease.
    /// - Throws: As `Lease.renew(for:)`; `.leaseEnded` also for an unknown lease, or one of another tenant.
    @discardableResult
    public func renew(_ id: LeaseInfo.ID, for duration: Duration) async throws(RlimitError) -> LeaseInfo {
        try await sharedConnection.perform(LeaseRenewalCall(id, LeaseTerm(.some(duration))), until: deadline)
    }

    /// Releases a kept lease. Returns the outcome for each resource.
    ///
    /// The request is sent before the call waits, as by `Lease.release()`.
    ///
    /// - Throws: As `Lease.release()`; `.leaseEnded` also for an unknown lease, or one of another tenant.
    @discardableResult
    public func release(_ id: LeaseInfo.ID) async throws(RlimitError) -> [Restoration] {
        let deadline = deadline
        return try await renewer.sendRelease(id).restorations(at: socket, until: deadline)
    }
}
