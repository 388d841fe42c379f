public import RlimitModel

extension BlockingLimitClient {
    /// Raises both halves to at least this, or fails; never lowers.
    @available(*, noasync)
    @discardableResult
    public func raise(
        _ resource: Resource, to bound: Limit.Bound, on target: Target = .currentProcess
    ) throws(RlimitError) -> Change { try apply(.raise(resource, to: bound), on: target) }

    /// Raises both halves to as much of this as one may have; never lowers.
    @available(*, noasync)
    @discardableResult
    public func raise(
        _ resource: Resource, upTo bound: Limit.Bound, on target: Target = .currentProcess
    ) throws(RlimitError) -> Change { try apply(.raise(resource, upTo: bound), on: target) }

    /// Makes one edit.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edit: Edit, on target: Target = .currentProcess) throws(RlimitError) -> Change {
        throw RlimitError(.unsupported)
    }

    /// Makes edits of distinct resources, all or none.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edits: [Edit], on target: Target = .currentProcess) throws(RlimitError) -> [Change] {
        throw RlimitError(.unsupported)
    }

    /// What would come of an edit, decided by the agent and not done.
    @available(*, noasync)
    public func explain(_ edit: Edit, on target: Target = .currentProcess) throws(RlimitError) -> Explanation {
        try explain([edit], on: target)
    }

    /// What would come of edits, decided by the agent and not done.
    @available(*, noasync)
    public func explain(_ edits: [Edit], on target: Target = .currentProcess) throws(RlimitError) -> Explanation {
        throw RlimitError(.unsupported)
    }

    /// For each resource its limits now and the most that one may give the process, decided by the agent.
    @available(*, noasync)
    public func explain(
        _ resources: [Resource] = Resource.allCases, of target: Target = .currentProcess
    ) throws(RlimitError) -> Explanation { throw RlimitError(.unsupported) }
}
