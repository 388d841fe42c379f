import RlimitModel

/// What the agent is asked, and what goes along.
struct Inquiry: Sendable {
    let operation: Request.Operation
    /// To be decided only.
    let isQuestion: Bool
    /// The process whose pidfd goes along: held, so that the descriptor lasts as long as it may yet be sent.
    let process: HeldProcess?

    init(_ operation: Request.Operation, isQuestion: Bool = false) {
        self.operation = operation
        self.isQuestion = isQuestion
        process = nil
    }

    init(_ operation: Request.Operation, isQuestion: Bool = false, of subject: Subject) {
        self.operation = operation
        self.isQuestion = isQuestion
        process = subject.attachment
    }

    /// Whether carrying it out twice is the same as once.
    var onlyReads: Bool {
        switch operation {
        case .get, .usage, .threadUsage, .leaseList, .serverInfo, .stats, .prlimit(_, _, nil): true
        case .set, .prlimit, .leaseRenew, .leaseRelease: isQuestion
        }
    }
}
