public import RlimitModel

// Cgroups and pods. Only the agent can be asked of them, whatever the strategy: each process is judged for itself, and an
// answer is in order for each, though many may be failures.

extension LimitClient {
    /// All sixteen limits of every process in a cgroup, each in the unit of its resource. The agent alone is asked.
    ///
    /// - Throws: `.noSuchProcess` where there is no such cgroup; `.invalidArgument` for a path that can be none, and for
    ///   `/`; `.deniedByPolicy` for a path from a caller in another PID namespace; `.unsupported` for the caller's own
    ///   where the kernel does not vouch for it (before Linux 6.5); and as `agentInfo()`. What befell a single process is
    ///   in its result.
    public func limits(in cgroup: Cgroup) async throws(RlimitError) -> PerProcess<Limits> {
        try await limits(.all, in: cgroup)
    }

    /// One limit of every process in a cgroup, in the unit of the resource. The agent alone is asked.
    ///
    /// - Throws: As `limits(in:)`.
    public func limit(_ resource: Resource, in cgroup: Cgroup) async throws(RlimitError) -> PerProcess<Limit> {
        try await sharedConnection.perform(CgroupCall(resource, in: cgroup), until: deadline)
    }

    /// What every process in a cgroup used: times, bytes and counts; nil is not shown, never zero. The agent alone is asked.
    ///
    /// - Parameters:
    ///   - scope: Each process, its children that ended and were waited for, or both together.
    /// - Throws: As `limits(in:)`.
    public func usage(in cgroup: Cgroup, _ scope: Usage.Scope = .process) async throws(RlimitError) -> PerProcess<Usage>
    {
        try await sharedConnection.perform(CgroupCall(scope, in: cgroup), until: deadline)
    }

    /// Makes one edit in every process of a cgroup. The agent alone is asked.
    ///
    /// The edit must mean the same for every process, whatever its limits are now. `.raise`, both halves, or one half do;
    /// `.set(_:to:)` with a single bound does not: it raises the hard limit of some and leaves that of others.
    ///
    /// - Throws: `.unsupported` for an edit that depends on the limits that each process has now; and as `limits(in:)`.
    ///   After `.cancelled`, `.deadlineExceeded` and `.connectionLost` it may have been made in some. Refusals are in the results.
    @discardableResult
    public func apply(_ edit: Edit, in cgroup: Cgroup) async throws(RlimitError) -> PerProcess<Change> {
        try await sharedConnection.perform(CgroupCall(edit, in: cgroup), until: deadline)
    }

    /// Makes edits of distinct resources in every process of a cgroup: in each all or none, with a change for each edit in
    /// their order.
    ///
    /// - Throws: As for one edit; `.invalidArgument` for a resource that is named twice, and for none at all.
    @discardableResult
    public func apply(_ edits: [Edit], in cgroup: Cgroup) async throws(RlimitError) -> PerProcess<[Change]> {
        try await sharedConnection.perform(CgroupCall(edits, in: cgroup), until: deadline)
    }
}

extension LimitClient {
    /// Some of the limits; the others mean nothing.
    package func limits(_ resources: ResourceSet, in cgroup: Cgroup) async throws(RlimitError) -> PerProcess<Limits> {
        try await sharedConnection.perform(CgroupCall(resources, in: cgroup), until: deadline)
    }
}
