/// A response, before encoding or after decoding.
package struct Response: Sendable, Equatable {
    /// The id of the request; 0 if none could be read.
    package var id: UInt64
    /// Whether another response to the same request follows.
    package var more: Bool
    package var outcome: Result<Reply, RlimitError>

    package init(id: UInt64, more: Bool = false, _ outcome: Result<Reply, RlimitError>) {
        self.id = id
        self.more = more
        self.outcome = outcome
    }
}

/// The result of a successful request.
package enum Reply: Sendable, Equatable {
    /// The limits of the resources in the set; the limits of other resources are not valid.
    case limits(ResourceSet, Limits)
    /// The changes in the order of the edits, with the lease if the request asked for one.
    case changes([Change], lease: LeaseInfo? = nil)
    case prlimit(old: Limit, rule: String?, warnings: Set<Change.Warning>)
    case usage(Usage)
    case explanation(Explanation)
    /// A lease after its renewal.
    case lease(LeaseInfo)
    /// The results of the end of a lease, in the order of its changes.
    case restorations([Restoration])
    /// A list of leases. Longer lists take several responses (`more`).
    case leases([LeaseInfo])
    case serverInfo(AgentInfo)
    case stats(Statistics)
    /// One result for each process of a cgroup or pod. Longer lists take several responses (`more`); the last one
    /// reports whether the scan is incomplete because new processes appeared until its end.
    case processes([ProcessResult], isIncomplete: Bool)
}

/// The result for one process of a cgroup or pod.
package struct ProcessResult: Sendable, Equatable {
    /// The process id in the caller's PID namespace; nil if it has none there.
    package var pid: Int32?
    /// `.limits`, `.changes` or `.usage`, or the error.
    package var outcome: Result<Reply, RlimitError>

    package init(pid: Int32?, _ outcome: Result<Reply, RlimitError>) {
        self.pid = pid
        self.outcome = outcome
    }
}
