public import RlimitModel

// Cgroups and pods. Only the agent can be asked of them, whatever the strategy: each process is judged for itself, and an
// answer is in order for each, though many may be failures.

extension BlockingLimitClient {
    /// All sixteen limits of every process in a cgroup, each in the unit of its resource. The agent alone is asked.
    ///
    /// - Throws: `.noSuchProcess` where there is no such cgroup; `.invalidArgument` for a path that can be none, and for
    ///   `/`; `.deniedByPolicy` for a path from a caller in another PID namespace; `.unsupported` for the caller's own
    ///   where the kernel does not vouch for it (before Linux 6.5); and as `agentInfo()`. What befell a single process is
    ///   in its result.
    @available(*, noasync)
    public func limits(in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Limits> {
        try limits(.all, in: cgroup)
    }

    /// One limit of every process in a cgroup, in the unit of the resource. The agent alone is asked.
    ///
    /// - Throws: As `limits(in:)`.
    @available(*, noasync)
    public func limit(_ resource: Resource, in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Limit> {
        try limits(ResourceSet(CollectionOfOne(resource)), in: cgroup).mapValues { $0[resource] }
    }

    /// What every process in a cgroup used: times, bytes and counts; nil is not shown, never zero. The agent alone is asked.
    ///
    /// - Parameters:
    ///   - scope: Each process, its children that ended and were waited for, or both together.
    /// - Throws: As `limits(in:)`.
    @available(*, noasync)
    public func usage(in cgroup: Cgroup, _ scope: Usage.Scope = .process) throws(RlimitError) -> PerProcess<Usage> {
        try ask(.usage(cgroup.whom(), scope), until: deadline) { reply in
            guard case .usage(let usage) = reply else { return nil }
            return usage
        }
    }

    /// Makes one edit in every process of a cgroup. The agent alone is asked.
    ///
    /// The edit must mean the same for every process, whatever its limits are now. `.raise`, both halves, or one half do;
    /// `.set(_:to:)` with a single bound does not: it raises the hard limit of some and leaves that of others.
    ///
    /// - Throws: `.unsupported` for an edit that depends on the limits that each process has now; and as `limits(in:)`.
    ///   After `.deadlineExceeded` and `.connectionLost` it may have been made in some. Refusals are in the results.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edit: Edit, in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Change> {
        try apply([edit], in: cgroup).mapValues { changes throws(RlimitError) in
            guard let change = changes.first else { throw otherAnswer }
            return change
        }
    }

    /// Makes edits of distinct resources in every process of a cgroup: in each all or none, with a change for each edit in
    /// their order.
    ///
    /// - Throws: As for one edit; `.invalidArgument` for a resource that is named twice, and for none at all.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edits: [Edit], in cgroup: Cgroup) throws(RlimitError) -> PerProcess<[Change]> {
        let deadline = deadline
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        guard !edits.isEmpty else { throw RlimitError(.invalidArgument, message: "there is no edit to apply") }
        var numbers: [SharedEdit] = []
        for (index, edit) in edits.enumerated() { numbers.append(try SharedEdit(edit, at: index)) }
        let resources = edits.map(\.resource)
        return try ask(.set(cgroup.whom(), EditBatch(numbers.lazy.map(\.edit)), lease: nil), until: deadline) { reply in
            guard case .changes(let changes) = reply, changes.map(\.resource) == resources else { return nil }
            return zip(numbers, changes).map { edit, change in edit.reported(change) }
        }
    }
}

extension BlockingLimitClient {
    /// Some of the limits; the others mean nothing.
    package func limits(_ resources: ResourceSet, in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Limits> {
        try ask(.get(cgroup.whom(), resources), until: deadline) { reply in
            guard case .limits(let told, let limits) = reply, resources.allSatisfy(told.contains) else { return nil }
            return limits
        }
    }

    // `value` is nil for an answer to something else.
    private func ask<Value: Sendable>(
        _ operation: Request.Operation, until deadline: ContinuousClock.Instant?, _ value: (Reply) -> Value?
    ) throws(RlimitError) -> PerProcess<Value> {
        guard case .processes(let results, let isIncomplete) = try link.call(operation, until: deadline) else {
            throw otherAnswer
        }
        var elements: [PerProcess<Value>.Element] = []
        elements.reserveCapacity(results.count)
        for process in results {
            switch process.outcome {
            case .failure(let error): elements.append(.init(pid: process.pid, .failure(error)))
            case .success(let reply):
                guard let value = value(reply) else { throw otherAnswer }
                elements.append(.init(pid: process.pid, .success(value)))
            }
        }
        return PerProcess(elements, isComplete: !isIncomplete)
    }
}

extension Cgroup {
    /// How the agent is told of it.
    fileprivate func whom() throws(RlimitError) -> Request.Whom {
        switch place {
        // On the wire, no path is the caller's own.
        case .cgroup(""), .pod(""): throw RlimitError(.invalidArgument, message: "the path of a cgroup is empty")
        case .cgroup(let path): return .cgroup(path)
        case .pod(let path): return .pod(path)
        }
    }
}

extension PerProcess {
    fileprivate func mapValues<Other: Sendable>(
        _ transform: (Value) throws(RlimitError) -> Other
    ) throws(RlimitError) -> PerProcess<Other> {
        var others: [PerProcess<Other>.Element] = []
        others.reserveCapacity(count)
        for element in self {
            switch element.result {
            case .success(let value): others.append(.init(pid: element.pid, .success(try transform(value))))
            case .failure(let error): others.append(.init(pid: element.pid, .failure(error)))
            }
        }
        return PerProcess<Other>(others, isComplete: isComplete)
    }
}
