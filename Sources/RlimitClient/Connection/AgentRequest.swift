import RlimitModel

/// What the agent is asked, and what goes along.
struct AgentRequest: Sendable {
    let operation: Request.Operation
    /// To be decided only.
    let isExplain: Bool
    /// The process whose pidfd goes along: held, so that the descriptor lasts as long as it may yet be sent.
    let process: PinnedProcess?

    init(_ operation: Request.Operation, isExplain: Bool = false) {
        self.operation = operation
        self.isExplain = isExplain
        process = nil
    }

    init(_ operation: Request.Operation, isExplain: Bool = false, of resolvedTarget: ResolvedTarget) {
        self.operation = operation
        self.isExplain = isExplain
        process = resolvedTarget.pinnedProcess
    }

    /// Whether carrying it out twice is the same as once.
    var isReadOnly: Bool {
        switch operation {
        case .get, .usage, .threadUsage, .leaseList, .serverInfo, .stats, .prlimit(_, _, nil): true
        case .set, .prlimit, .leaseRenew, .leaseRelease: isExplain
        }
    }
}
