import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Raises both halves to at least a value; never lowers. prlimit(2), and the agent if prlimit(2) is refused.
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

    /// Raises both halves to a value, or as far as permitted; never lowers.
    ///
    /// If policy and kernel permit less, or no agent answers, the change states the reason in `shortfall`. prlimit(2),
    /// and the agent if prlimit(2) is refused.
    ///
    /// - Parameters:
    ///   - bound: In the unit of the resource.
    /// - Throws: As `apply(_:on:)`, except the refusals of the kernel and of policy.
    @discardableResult
    public func raise(
        _ resource: Resource, upTo bound: Limit.Bound, on target: Target = .currentProcess
    ) async throws(RlimitError) -> Change {
        try await apply(.raise(resource, upTo: bound), on: target)
    }

    /// Makes one edit. prlimit(2), and the agent if prlimit(2) is refused.
    ///
    /// - Returns: The limit before and after, and who granted it.
    /// - Throws: `.deniedByPolicy`, with the refusing rule and the maximum in `allowed`; `.deniedByKernel`;
    ///   `.aboveSystemCeiling` for more open files than `fs.nr_open`; `.softExceedsHard`; `.conflict` if the limit is
    ///   not the expected one; `.noSuchProcess`; `.targetChanged`; `.agentUnreachable` if the kernel refuses and no
    ///   agent answers; and the errors of every call to the agent: `.untrustedSocket`, `.deadlineExceeded`,
    ///   `.connectionLost`, `.cancelled`, `.rateLimited`, `.quotaExceeded`, `.malformed`.
    @discardableResult
    public func apply(_ edit: Edit, on target: Target = .currentProcess) async throws(RlimitError) -> Change {
        try await apply([edit], on: target).only(from: socket)
    }

    /// Makes edits of distinct resources, all or none. Returns a change for each edit, in their order.
    ///
    /// If the kernel refuses a part, the agent makes all raising edits as one request. Then the client makes the
    /// lowering ones itself.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice.
    @discardableResult
    public func apply(_ edits: [Edit], on target: Target = .currentProcess) async throws(RlimitError) -> [Change] {
        let deadline = deadline
        return try await sharedConnection.run(EditStateMachine(edits, on: target, strategy), until: deadline).changes(
            from: socket)
    }

    /// Returns the agent's decision on an edit, without making it.
    ///
    /// - Throws: `.noSuchProcess`, and as `agentInfo()`. A refusal is the result, not an error.
    public func explain(_ edit: Edit, on target: Target = .currentProcess) async throws(RlimitError) -> Explanation {
        try await explain([edit], on: target)
    }

    /// Returns the agent's decision on edits of distinct resources, without making them: a verdict for each edit.
    ///
    /// - Throws: As for one edit; `.invalidArgument` for a resource that is named twice, and for an empty list.
    public func explain(_ edits: [Edit], on target: Target = .currentProcess) async throws(RlimitError) -> Explanation {
        let deadline = deadline
        let stateMachine = try EditStateMachine(edits, on: target, strategy, isExplain: true)
        return try await sharedConnection.run(stateMachine, until: deadline).explanation(from: socket)
    }

    /// Returns for each resource the current limit, and the maximum that policy permits. The agent decides.
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
