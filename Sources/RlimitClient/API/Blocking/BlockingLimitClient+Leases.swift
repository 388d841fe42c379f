import RlimitKernel
public import RlimitModel

extension BlockingLimitClient {
    /// Makes one edit until an end. The agent alone can, whatever the strategy, and only of the resources that can be taken
    /// back without harm: open files, locked memory, processes, core file size, pending signals and message queue bytes.
    ///
    /// ```swift
    /// let lease = try client.lease(.raise(.lockedMemory, to: .gibibytes(8)), for: .seconds(600))
    /// ```
    ///
    /// - Parameters:
    ///   - edit: What to raise; a lease does not lower. Also to raise the soft limit alone takes a rule that allows it.
    ///   - target: Whose limits; the lease binds this process and not its children.
    ///   - duration: More than zero and at most 365 days, in whole milliseconds, rounded up; nil for as long as the connection
    ///     lasts. A rule's `lease.max` bounds it.
    /// - Returns: What gives it back when it goes out of scope.
    /// - Throws: `.unsupported` for other resources; `.deniedByPolicy`, with the rule that refused; `.quotaExceeded` for too
    ///   many leases; `.invalidArgument` for a duration out of range, and for an edit that lowers; and as `apply(_:on:)`.
    ///   After `.deadlineExceeded` it may have been granted: it is then among `leases()`.
    @available(*, noasync)
    public func lease(
        _ edit: Edit, on target: Target = .currentProcess, for duration: Duration? = nil
    ) throws(RlimitError) -> Lease {
        try lease([edit], on: target, for: duration)
    }

    /// Makes edits of distinct resources until an end, all or none, under one lease.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice, and for none.
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

    /// Makes one edit for as long as `body` runs, and gives it back when that returns or throws.
    ///
    /// ```swift
    /// try client.withLease(.raise(.lockedMemory, to: .gibibytes(8))) { _ in try serve() }
    /// ```
    ///
    /// - Throws: As `lease(_:on:for:)`, and what `body` throws. What goes wrong in giving back does not matter here: the lease
    ///   then ends with the connection.
    @available(*, noasync)
    public func withLease<R>(
        _ edit: Edit, on target: Target = .currentProcess, _ body: (borrowing Lease) throws -> R
    ) throws -> R {
        try withLease([edit], on: target, body)
    }

    /// Makes edits of distinct resources for as long as `body` runs, all or none.
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

    /// What would come of edits under a lease, decided by the agent and not done.
    ///
    /// - Throws: As `lease(_:on:for:)`, but not for want of leave, which is the answer.
    @available(*, noasync)
    package func explain(
        _ edits: [Edit], on target: Target = .currentProcess, leasedFor duration: Duration?
    ) throws(RlimitError) -> Explanation {
        let deadline = deadline
        let term = try LeaseTerm(duration)
        let stateMachine = try EditStateMachine(edits, on: target, strategy, isExplain: true, lease: term)
        return try sharedConnection.run(stateMachine, until: deadline).explanation(from: socket)
    }

    /// Leaves the connection open in the program that this process becomes by execve(2): what lasts as long as the connection
    /// then lasts as long as that program, and as all to whom it hands its descriptors down.
    ///
    /// - Throws: `.internalError` where there is no descriptor left; and what can befall any call to the agent.
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

    /// The caller's leases; everyone's for callers whom a rule lets see them (`lease_list`).
    ///
    /// - Throws: As `agentInfo()`.
    @available(*, noasync)
    public func leases() throws(RlimitError) -> [LeaseInfo] {
        try sharedConnection.perform(LeaseListCall(), until: deadline)
    }

    /// Gives a lease that was kept so much time from now.
    ///
    /// - Parameter duration: As for `Lease.renew(for:)`.
    /// - Returns: The lease as it is then.
    /// - Throws: As `Lease.renew(for:)`; `.leaseEnded` also for one that never was, or is somebody else's.
    @available(*, noasync)
    @discardableResult
    public func renew(_ id: LeaseInfo.ID, for duration: Duration) throws(RlimitError) -> LeaseInfo {
        try sharedConnection.perform(LeaseRenewalCall(id, LeaseTerm(.some(duration))), until: deadline)
    }

    /// Gives a lease back that was kept, and tells what came of it for each resource.
    ///
    /// - Throws: As `Lease.release()`; `.leaseEnded` also for one that never was, or is somebody else's.
    @available(*, noasync)
    @discardableResult
    public func release(_ id: LeaseInfo.ID) throws(RlimitError) -> [Restoration] {
        try sharedConnection.perform(LeaseReleaseCall(id), until: deadline)
    }
}
