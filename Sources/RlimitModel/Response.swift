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
    case changes([Change])
    case prlimit(old: Limit, rule: String?, warnings: Set<Change.Warning>)
    case usage(Usage)
    case explanation(Explanation)
    case serverInfo(AgentInfo)
    case stats(Statistics)
    /// Of a cgroup or a pod, one for each process. Longer lists come in several responses (`more`), and the last says whether
    /// processes kept appearing to the end.
    case processes([ProcessResult], isIncomplete: Bool)
}
