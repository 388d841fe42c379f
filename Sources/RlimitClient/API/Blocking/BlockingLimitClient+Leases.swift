import RlimitKernel
public import RlimitModel

extension BlockingLimitClient {
    /// Makes one edit until the lease ends.
    ///
    /// Only the agent grants leases, with any strategy, and only of resources that it can restore safely: open files,
    /// locked memory, processes, core file size, pending signals and message queue bytes.
    ///
    /// ```swift
    /// let lease = try client.lease(.raise(.lockedMemory, to: .gibibytes(8)), for: .seconds(600))
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
    ///   `apply(_:on:)`. After `.deadlineExceeded` the lease may have been granted; `leases()` then lists it.
    @available(*, noasync)
    public func lease(
        _ edit: Edit, on target: Target = .currentProcess, for duration: Duration? = nil
    ) throws(RlimitError) -> Lease {
        try lease([edit], on: target, for: duration)
    }

    /// Makes edits of distinct resources under one lease, all or none.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice, and for an
    ///   empty list.
    @available(*, noasync)
    public func lease(
        _ edits: [Edit], on target: Target = .currentProcess, for duration: Duration? = nil
    ) throws(RlimitError) -> Lease {
        let deadline = deadline
        let term = try LeaseTerm(duration)
        let stateMachine = try EditStateMachine(edits, on: target, strategy, lease: term)
        return Lease(
            leaseState: LeaseState(try sharedConnection.lease(stateMachine, until: deadline), term), client: self)
    }

    /// Makes one edit while `body` runs, and releases the lease when `body` returns or throws.
    ///
    /// ```swift
    /// try client.withLease(.raise(.lockedMemory, to: .gibibytes(8))) { _ in try serve() }
    /// ```
    ///
    /// - Throws: As `lease(_:on:for:)`, and what `body` throws. An error of the release is ignored; the lease then ends
    ///   with the connection.
    @available(*, noasync)
    public func withLease<R>(
        _ edit: Edit, on target: Target = .currentProcess, _ body: (borrowing Lease) throws -> R
    ) throws -> R {
        try withLease([edit], on: target, body)
    }

    /// Makes edits of distinct resources while `body` runs, all or none.
    ///
    /// - Throws: As for one edit.
    @available(*, noasync)
    public func withLease<R>(
        _ edits: [Edit], on target: Target = .currentProcess, _ body: (borrowing Lease) throws -> R
    ) throws -> R {
        let lease = try lease(edits, on: target)
        let result: R
        do {
            result = try body(lease)
        } catch {
            _ = try? lease.release()
            throw error
        }
        _ = try? lease.release()
        return result
    }

    /// Returns the agent's decision on edits under a lease, without making them.
    ///
    /// - Throws: As `lease(_:on:for:)`, except policy denials, which are the result.
    @available(*, noasync)
    package func explain(
        _ edits: [Edit], on target: Target = .currentProcess, leasedFor duration: Duration?
    ) throws(RlimitError) -> Explanation {
        let deadline = deadline
        let term = try LeaseTerm(duration)
        let stateMachine = try EditStateMachine(edits, on: target, strategy, isExplain: true, lease: term)
        return try sharedConnection.run(stateMachine, until: deadline).explanation(from: socket)
    }

    /// Leaves the connection open in the program that this process executes next with execve(2).
    ///
    /// A lease of the connection then lasts until that program and all processes that inherit its descriptors have
    /// closed the connection.
    ///
    /// - Throws: `.internalError` if no descriptor is available; and the errors of every call to the agent.
    @available(*, noasync)
    package func leaveConnectionOpen() throws(RlimitError) {
        let connection = try sharedConnection.connection(until: deadline)
        do throws(SystemError) {
            try FileDescriptor.duplicateForExec(of: connection.descriptor)
        } catch {
            throw RlimitError(
                .internalError, errno: error.number,
                message: "the connection to the agent cannot be left open: \(error)")
        }
    }

    /// Returns the caller's leases. A rule can permit the caller to see all leases (`lease_list`).
    ///
    /// - Throws: As `agentInfo()`.
    @available(*, noasync)
    public func leases() throws(RlimitError) -> [LeaseInfo] {
        try sharedConnection.perform(LeaseListCall(), until: deadline)
    }

    /// Renews a kept lease: it ends this duration after now.
    ///
    /// - Parameter duration: As for `Lease.renew(for:)`.
    /// - Returns: The renewed lease.
    /// - Throws: As `Lease.renew(for:)`; `.leaseEnded` also for an unknown lease, or one of another tenant.
    @available(*, noasync)
    @discardableResult
    public func renew(_ id: LeaseInfo.ID, for duration: Duration) throws(RlimitError) -> LeaseInfo {
        try sharedConnection.perform(LeaseRenewalCall(id, LeaseTerm(.some(duration))), until: deadline)
    }

    /// Releases a kept lease. Returns the outcome for each resource.
    ///
    /// - Throws: As `Lease.release()`; `.leaseEnded` also for an unknown lease, or one of another tenant.
    @available(*, noasync)
    @discardableResult
    public func release(_ id: LeaseInfo.ID) throws(RlimitError) -> [Restoration] {
        try sharedConnection.perform(LeaseReleaseCall(id), until: deadline)
    }
}
