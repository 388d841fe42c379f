import RlimitModel

/// A request to the agent, and the process whose pidfd is sent with it.
struct AgentRequest: Sendable {
    let operation: Request.Operation
    /// Whether the agent only decides.
    let isExplain: Bool
    /// Kept so that the descriptor stays open as long as it may be sent.
    let process: PinnedProcess?

    /// - Parameter process: The process whose pidfd is sent; nil sends none.
    init(_ operation: Request.Operation, isExplain: Bool, sending process: PinnedProcess?) {
        self.operation = operation
        self.isExplain = isExplain
        self.process = process
    }

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

    /// Whether carrying the request out twice has the same effect as once.
    var isReadOnly: Bool {
        switch operation {
        case .get, .usage, .threadUsage, .leaseList, .serverInfo, .stats, .prlimit(_, _, nil): true
        case .set, .prlimit, .leaseRenew, .leaseRelease: isExplain
        }
    }
}
