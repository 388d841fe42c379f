import RlimitKernel
public import RlimitModel

extension BlockingLimitClient {
    /// Raises both halves to at least this, or fails; never lowers. prlimit(2), and the agent where that refuses.
    ///
    /// - Parameters:
    ///   - bound: In the unit of the resource.
    /// - Throws: As `apply(_:on:)`.
    @available(*, noasync)
    @discardableResult
    public func raise(
        _ resource: Resource, to bound: Limit.Bound, on target: Target = .currentProcess
    ) throws(RlimitError) -> Change { try apply(.raise(resource, to: bound), on: target) }

    /// Raises both halves to as much of this as one may have; never lowers. Where policy and kernel give less, or there
    /// is no agent to ask, the change says why (`shortfall`).
    ///
    /// - Parameters:
    ///   - bound: In the unit of the resource.
    /// - Throws: As `apply(_:on:)`, but not for want of leave.
    @available(*, noasync)
    @discardableResult
    public func raise(
        _ resource: Resource, upTo bound: Limit.Bound, on target: Target = .currentProcess
    ) throws(RlimitError) -> Change { try apply(.raise(resource, upTo: bound), on: target) }

    /// Makes one edit. prlimit(2), and the agent where that refuses.
    ///
    /// - Returns: What was, what is, and who said yes.
    /// - Throws: `.deniedByPolicy`, with the rule that refused and the most that is `allowed`; `.deniedByKernel`;
    ///   `.aboveSystemCeiling` for more open files than `fs.nr_open`; `.softExceedsHard`; `.conflict` where the limits are
    ///   not those that were expected; `.noSuchProcess`; `.targetChanged`; `.agentUnreachable` where the kernel refuses
    ///   and there is no agent; and what can befall any call to the agent: `.untrustedSocket`, `.deadlineExceeded`,
    ///   `.connectionLost`, `.rateLimited`, `.quotaExceeded`, `.malformed`.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edit: Edit, on target: Target = .currentProcess) throws(RlimitError) -> Change {
        guard let change = try apply([edit], on: target).first else { throw otherAnswer }
        return change
    }

    /// Makes edits of distinct resources, all or none, and returns a change for each in their order.
    ///
    /// Where the kernel refuses part of it, the agent makes all that raises, as one request, and then the client lowers the
    /// rest itself.
    ///
    /// - Throws: As for one edit, with `editIndex`; `.invalidArgument` for a resource that is named twice.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edits: [Edit], on target: Target = .currentProcess) throws(RlimitError) -> [Change] {
        let deadline = deadline
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        guard !edits.isEmpty else { return [] }
        let subject = try Subject(target)
        let resources = ResourceSet(edits.lazy.map(\.resource))
        if strategy == .kernelFirst, let now = try subject.readIfOwned(resources) {
            let numbers = try numeric(edits, of: subject, now: now, until: deadline)
            return try EditPlan(numbers, now: now).carryOut(on: subject) { batch throws(RlimitError) in
                try agentChanges(batch, of: subject, until: deadline)
            }
        }
        do throws(RlimitError) {
            let numbers = try numeric(edits, of: subject, now: nil, until: deadline)
            return try agentChanges(EditBatch(numbers), of: subject, until: deadline)
        } catch {
            guard strategy == .kernelFirst, error.code == .agentUnreachable else { throw error }
            var error = error
            error.message = "the kernel lets only its own user change \(subject.name), and \(error.message)"
            throw error
        }
    }

    /// What would come of an edit, decided by the agent and not done.
    ///
    /// - Throws: `.noSuchProcess`, and as `agentInfo()`. A refusal is no error here but the answer.
    @available(*, noasync)
    public func explain(_ edit: Edit, on target: Target = .currentProcess) throws(RlimitError) -> Explanation {
        try explain([edit], on: target)
    }

    /// What would come of edits of distinct resources, decided by the agent and not done: a verdict for each.
    ///
    /// - Throws: As for one edit; `.invalidArgument` for a resource that is named twice, and for none at all.
    @available(*, noasync)
    public func explain(_ edits: [Edit], on target: Target = .currentProcess) throws(RlimitError) -> Explanation {
        let deadline = deadline
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        guard !edits.isEmpty else { throw RlimitError(.invalidArgument, message: "there is no edit to explain") }
        let subject = try Subject(target)
        let numbers = try numeric(edits, of: subject, now: nil, until: deadline)
        return try explanation(.set(subject.whom, EditBatch(numbers), lease: nil), of: subject, until: deadline)
    }

    /// For each resource its limits now and the most that one may give the process, decided by the agent.
    ///
    /// - Throws: As `explain(_:on:)`.
    @available(*, noasync)
    public func explain(
        _ resources: [Resource] = Resource.allCases, of target: Target = .currentProcess
    ) throws(RlimitError) -> Explanation {
        let deadline = deadline
        let subject = try Subject(target)
        return try explanation(.get(subject.whom, ResourceSet(resources)), of: subject, until: deadline)
    }
}

extension BlockingLimitClient {
    private func agentChanges(
        _ batch: EditBatch, of subject: borrowing Subject, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> [Change] {
        let request = Request.Operation.set(subject.whom, batch, lease: nil)
        let reply = try link.call(request, pidfd: subject.attachment, until: deadline)
        guard case .changes(let changes) = reply, changes.map(\.resource) == batch.map(\.resource) else {
            throw otherAnswer
        }
        return changes
    }

    private func explanation(
        _ operation: Request.Operation, of subject: borrowing Subject, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> Explanation {
        let reply = try link.call(operation, isQuestion: true, pidfd: subject.attachment, until: deadline)
        guard case .explanation(let explanation) = reply else { throw otherAnswer }
        return explanation
    }

    // The edits in numbers. `now` is what the kernel told of the limits; nil where it was not asked or did not tell.
    private func numeric(
        _ edits: [Edit], of subject: borrowing Subject, now: Limits?, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> [NumericEdit] {
        var limits = now ?? Limits()
        let present = ResourceSet(edits.lazy.filter(\.dependsOnPresent).map(\.resource))
        if now == nil, !present.isEmpty { limits = try self.limits(present, of: subject, until: deadline) }
        var most: [Resource: Limit.Bound] = [:]
        let asked = ResourceSet(edits.lazy.filter(\.dependsOnMost).map(\.resource))
        if !asked.isEmpty { most = try self.most(asked, of: subject, now: now, until: deadline) }
        return edits.map { $0.numeric(now: limits[$0.resource], most: most[$0.resource] ?? 0) }
    }

    // The most that policy gives, or else the hard limit there is.
    private func most(
        _ resources: ResourceSet, of subject: borrowing Subject, now: Limits?, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> [Resource: Limit.Bound] {
        var most: [Resource: Limit.Bound] = [:]
        do throws(RlimitError) {
            let explanation = try explanation(.get(subject.whom, resources), of: subject, until: deadline)
            for verdict in explanation.verdicts {
                most[verdict.resource] = max(verdict.most?.hard ?? 0, verdict.now?.hard ?? 0)
            }
        } catch {
            guard strategy == .kernelFirst, error.leavesAllAsItWas else { throw error }
        }
        let limits: Limits
        if let now { limits = now } else { limits = try self.limits(resources, of: subject, until: deadline) }
        for resource in resources { most[resource] = max(most[resource] ?? 0, limits[resource].hard) }
        return most
    }
}
