import RlimitKernel
import RlimitModel

/// One request of a task that waits for its answer. Touched only under the lock of its connection.
final class TaskCall: @unchecked Sendable {
    let inquiry: Inquiry
    let deadline: Deadline
    /// Taken by whoever resumes it, so that this is done once.
    var continuation: CheckedContinuation<Outcome, Never>?
    /// It was cancelled before it had begun.
    var isCancelled = false
    /// What has come of its answer.
    var reply = PendingReply()
    /// Where its frame ends in all that the connection sends.
    var end = UInt64.max

    init(_ inquiry: Inquiry, _ deadline: Deadline) {
        self.inquiry = inquiry
        self.deadline = deadline
    }

    /// Whether nobody waits for it any more.
    var isAbandoned: Bool { continuation == nil }
}

/// Tasks to resume, once nothing is locked.
struct Resumptions {
    private var list: [(CheckedContinuation<Outcome, Never>, Outcome)] = []

    mutating func add(_ call: TaskCall, _ outcome: Outcome) {
        if let continuation = call.continuation.take() { list.append((continuation, outcome)) }
    }

    consuming func run() {
        for (continuation, outcome) in list { continuation.resume(returning: outcome) }
    }
}
