import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Raises both halves to at least this, or fails; never lowers. prlimit(2), and the agent where that refuses.
    ///
    /// - Parameters:
    ///   - bound: In the unit of the resource.
    /// - Throws: As `apply(_:on:)`.
    @discardableResult
    public func raise(
        _ resource: Resource, to bound: Limit.Bound, on target: Target = .currentProcess
    ) async throws(RlimitError) -> Change {
        try await apply(.raise(resource, to: bound), on: target)
    }

    /// Raises both halves to as much of this as one may have; never lowers. Where policy and kernel give less, or there
    /// is no agent to ask, the change says why (`shortfall`).
    ///
    /// - Parameters:
    ///   - bound: In the unit of the resource.
    /// - Throws: As `apply(_:on:)`, but not for want of leave.
    @discardableResult
    public func raise(
        _ resource: Resource, upTo bound: Limit.Bound, on target: Target = .currentProcess
    ) async throws(RlimitError) -> Change {
        try await apply(.raise(resource, upTo: bound), on: target)
    }

    /// Makes one edit. prlimit(2), and the agent where that refuses.
    ///
    /// - Returns: What was, what is, and who said yes.
    /// - Throws: `.deniedByPolicy`, with the rule that refused and the most that is `allowed`; `.deniedByKernel`;
    ///   `.aboveSystemCeiling` for more open files than `fs.nr_open`; `.softExceedsHard`; `.conflict` where the limits are
    ///   not those that were expected; `.noSuchProcess`; `.targetChanged`; `.agentUnreachable` where the kernel refuses
    ///   and there is no agent; and what can befall any call to the agent: `.untrustedSocket`, `.deadlineExceeded`,
    ///   `.connectionLost`, `.cancelled`, `.rateLimited`, `.quotaExceeded`, `.malformed`.
    @discardableResult
    public func apply(_ edit: Edit, on target: Target = .currentProcess) async throws(RlimitError) -> Change {
        try await apply([edit], on: target).only(from: socket)
    }

    /// Makes edits of distinct resources, all or none, and returns a change for each in their order.
    ///
    /// Where the kernel refuses part of it, the agent makes all that raises, as one request, and then the client lowers the
    /// rest itself.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice.
    @discardableResult
    public func apply(_ edits: [Edit], on target: Target = .currentProcess) async throws(RlimitError) -> [Change] {
        let deadline = deadline
        return try await sharedConnection.run(EditStateMachine(edits, on: target, strategy), until: deadline).changes(
            from: socket)
    }

    /// What would come of an edit, decided by the agent and not done.
    ///
    /// - Throws: `.noSuchProcess`, and as `agentInfo()`. A refusal is no error here but the answer.
    public func explain(_ edit: Edit, on target: Target = .currentProcess) async throws(RlimitError) -> Explanation {
        try await explain([edit], on: target)
    }

    /// What would come of edits of distinct resources, decided by the agent and not done: a verdict for each.
    ///
    /// - Throws: As for one edit; `.invalidArgument` for a resource that is named twice, and for none at all.
    public func explain(_ edits: [Edit], on target: Target = .currentProcess) async throws(RlimitError) -> Explanation {
        let deadline = deadline
        let stateMachine = try EditStateMachine(edits, on: target, strategy, isExplain: true)
        return try await sharedConnection.run(stateMachine, until: deadline).explanation(from: socket)
    }

    /// For each resource its limits now and the most that one may give the process, decided by the agent.
    ///
    /// - Throws: As `explain(_:on:)`.
    public func explain(
        _ resources: [Resource] = Resource.allCases, of target: Target = .currentProcess
    ) async throws(RlimitError) -> Explanation {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        let operation = Request.Operation.get(resolvedTarget.requestTarget, ResourceSet(resources))
        return try await sharedConnection.perform(ExplainCall(operation, of: resolvedTarget), until: deadline)
    }
}
