/// An answer, before it is put on the wire or after it was taken off.
package struct Response: Sendable, Equatable {
    /// The request's; 0 where none could be read.
    package var id: UInt64
    /// Another response to the same request follows.
    package var more: Bool
    package var outcome: Result<Reply, RlimitError>

    package init(id: UInt64, more: Bool = false, _ outcome: Result<Reply, RlimitError>) {
        self.id = id
        self.more = more
        self.outcome = outcome
    }
}

/// What was found or done.
package enum Reply: Sendable, Equatable {
    /// The limits of the resources in the set; the others mean nothing.
    case limits(ResourceSet, Limits)
    /// In the order of the edits; with the lease, where they were asked for under one.
    case changes([Change], lease: LeaseInfo? = nil)
    case prlimit(old: Limit, rule: String?, warnings: Set<Change.Warning>)
    case usage(Usage)
    case explanation(Explanation)
    /// A lease after it was renewed.
    case lease(LeaseInfo)
    /// What the end of a lease came to, in the order of its changes.
    case restorations([Restoration])
    /// Longer lists come in several responses (`more`).
    case leases([LeaseInfo])
    case serverInfo(AgentInfo)
    case stats(Statistics)
    /// Of a cgroup or a pod, one for each process. Longer lists come in several responses (`more`), and the last says whether
    /// processes kept appearing to the end.
    case processes([ProcessResult], isIncomplete: Bool)
}
