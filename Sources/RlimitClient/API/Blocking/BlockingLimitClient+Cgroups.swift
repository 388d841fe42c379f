public import RlimitModel

extension BlockingLimitClient {
    /// Returns all sixteen limits of every process in a cgroup, each in the unit of its resource.
    ///
    /// Only the agent is asked, with any strategy. It decides for each process separately, and a failure for one
    /// process is in that process's result.
    ///
    /// - Throws: `.noSuchProcess` if the cgroup does not exist; `.invalidArgument` for a malformed path, and for `/`;
    ///   `.deniedByPolicy` for a path from a caller in another PID namespace; `.unsupported` for the caller's own
    ///   cgroup if the kernel does not pin the caller (before Linux 6.5); and as `agentInfo()`.
    @available(*, noasync)
    public func limits(in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Limits> {
        try limits(.all, in: cgroup)
    }

    /// Returns one limit of every process in a cgroup, in the unit of the resource. Only the agent is asked.
    ///
    /// - Throws: As `limits(in:)`.
    @available(*, noasync)
    public func limit(_ resource: Resource, in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Limit> {
        try sharedConnection.perform(CgroupCall(resource, in: cgroup), until: deadline)
    }

    /// Returns what every process in a cgroup has used. Only the agent is asked.
    ///
    /// Times are durations, sizes are in bytes, and the others are counts. A value that the kernel does not show is
    /// nil, never zero.
    ///
    /// - Parameters:
    ///   - scope: Each process, its children that have ended and were waited for, or the sum of both.
    /// - Throws: As `limits(in:)`.
    @available(*, noasync)
    public func usage(in cgroup: Cgroup, _ scope: Usage.Scope = .process) throws(RlimitError) -> PerProcess<Usage> {
        try sharedConnection.perform(CgroupCall(scope, in: cgroup), until: deadline)
    }

    /// Makes one edit in every process of a cgroup. Only the agent is asked.
    ///
    /// The edit must have the same meaning for every process, independent of its current limits. `.raise` qualifies,
    /// and so does an edit of both halves or of one half. `.set(_:to:)` with a single bound does not: it raises the
    /// hard limit of some processes and keeps that of others.
    ///
    /// - Throws: `.unsupported` for an edit that depends on the current limits of each process; and as `limits(in:)`.
    ///   After `.deadlineExceeded` and `.connectionLost` the edit may have been made in some processes. Refusals are in
    ///   the results.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edit: Edit, in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Change> {
        try sharedConnection.perform(CgroupCall(edit, in: cgroup), until: deadline)
    }

    /// Makes edits of distinct resources in every process of a cgroup.
    ///
    /// In each process the agent makes all edits or none. The result has a change for each edit, in their order.
    ///
    /// - Throws: As for one edit; `.invalidArgument` for a resource that is named twice, and for an empty list.
    @available(*, noasync)
    @discardableResult
    public func apply(_ edits: [Edit], in cgroup: Cgroup) throws(RlimitError) -> PerProcess<[Change]> {
        try sharedConnection.perform(CgroupCall(edits, in: cgroup), until: deadline)
    }
}

extension BlockingLimitClient {
    /// Returns some of the limits. The values of the other resources are undefined.
    package func limits(_ resources: ResourceSet, in cgroup: Cgroup) throws(RlimitError) -> PerProcess<Limits> {
        try sharedConnection.perform(CgroupCall(resources, in: cgroup), until: deadline)
    }
}
