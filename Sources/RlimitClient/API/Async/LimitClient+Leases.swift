import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Makes one edit until an end. The agent alone can, whatever the strategy, and only of the resources that can be taken
    /// back without harm: open files, locked memory, processes, core file size, pending signals and message queue bytes.
    ///
    /// ```swift
    /// let lease = try await client.lease(.raise(.lockedMemory, to: .gibibytes(8)), for: .seconds(600))
    /// ```
    ///
    /// - Parameters:
    ///   - edit: What to raise; a lease does not lower. Also to raise the soft limit alone takes a rule that allows it.
    ///   - target: Whose limits; the lease binds this process and not its children.
    ///   - duration: More than zero and at most 365 days, in whole milliseconds, rounded up; nil for as long as the connection
    ///     lasts. A rule's `lease.max` bounds it.
    /// - Returns: What gives it back when it goes out of scope.
    /// - Throws: `.unsupported` for other resources; `.deniedByPolicy`, with the rule that refused; `.quotaExceeded` for too
    ///   many leases; `.invalidArgument` for a duration out of range, and for an edit that lowers; and as `apply(_:on:)`. A
    ///   lease that is granted after the call has thrown `.cancelled` or `.deadlineExceeded` is given back at once.
    public func lease(
        _ edit: Edit, on target: Target = .currentProcess, for duration: Duration? = nil
    ) async throws(RlimitError) -> Lease {
        try await lease([edit], on: target, for: duration)
    }

    /// Makes edits of distinct resources until an end, all or none, under one lease.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice, and for none.
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

    /// Makes one edit for as long as `body` runs, and gives it back when that returns, throws or is cancelled.
    ///
    /// ```swift
    /// try await client.withLease(.raise(.lockedMemory, to: .gibibytes(8))) { _ in try await serve() }
    /// ```
    ///
    /// - Throws: As `lease(_:on:for:)`, and what `body` throws. What goes wrong in giving back does not matter here: the lease
    ///   then ends with the connection.
    public func withLease<R>(
        _ edit: Edit, on target: Target = .currentProcess, _ body: (borrowing Lease) async throws -> R
    ) async throws -> R {
        try await withLease([edit], on: target, body)
    }

    /// Makes edits of distinct resources for as long as `body` runs, all or none.
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

    /// The caller's leases; everyone's for callers whom a rule lets see them (`lease_list`).
    ///
    /// - Throws: As `agentInfo()`.
    public func leases() async throws(RlimitError) -> [LeaseInfo] {
        try await sharedConnection.perform(LeaseListCall(), until: deadline)
    }

    /// Gives a lease that was kept so much time from now.
    ///
    /// - Parameter duration: As for `Lease.renew(for:)`.
    /// - Returns: The lease as it is then.
    /// - Throws: As `Lease.renew(for:)`; `.leaseEnded` also for one that never was, or is somebody else's.
    @discardableResult
    public func renew(_ id: LeaseInfo.ID, for duration: Duration) async throws(RlimitError) -> LeaseInfo {
        try await sharedConnection.perform(LeaseRenewalCall(id, LeaseTerm(.some(duration))), until: deadline)
    }

    /// Gives a lease back that was kept, and tells what came of it for each resource. Sent before anything is waited for, as by
    /// `Lease.release()`.
    ///
    /// - Throws: As `Lease.release()`; `.leaseEnded` also for one that never was, or is somebody else's.
    @discardableResult
    public func release(_ id: LeaseInfo.ID) async throws(RlimitError) -> [Restoration] {
        let deadline = deadline
        return try await renewer.sendRelease(id).restorations(at: socket, until: deadline)
    }
}
