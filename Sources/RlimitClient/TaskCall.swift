import RlimitKernel
import RlimitModel

/// One request of a task that waits for its answer. Touched only under the lock of its connection; once it is resumed, only
/// by its task.
final class TaskCall: @unchecked Sendable {
    let inquiry: Inquiry
    let deadline: Deadline
    /// Taken by whoever resumes it, so that this is done once.
    var continuation: CheckedContinuation<Void, Never>?
    /// What came of it, when that is no answer.
    var ending: Outcome?
    /// What has come of its answer.
    var reply = PendingReply()
    /// Its number on the connection; 0 while it is not sent.
    var id: UInt64 = 0
    /// Where its frame ends in all that the connection sends.
    var end = UInt64.max

    init(_ inquiry: Inquiry, _ deadline: Deadline) {
        self.inquiry = inquiry
        self.deadline = deadline
    }

    /// Whether nobody waits for it any more.
    var isAbandoned: Bool { continuation == nil }

    /// Once it is resumed.
    var outcome: Outcome {
        if let ending { return ending }
        switch reply.result {
        case .success(let reply): return .reply(reply)
        case .failure(let error): return .failed(error)
        case nil: return .failed(RlimitError(.internalError))
        }
    }
}

/// Tasks to resume, once nothing is locked.
struct Resumptions {
    private var list: [CheckedContinuation<Void, Never>] = []

    /// Its answer is there.
    mutating func add(_ call: TaskCall) {
        if let continuation = call.continuation.take() { list.append(continuation) }
    }

    mutating func add(_ call: TaskCall, _ ending: Outcome) {
        guard let continuation = call.continuation.take() else { return }
        call.ending = ending
        list.append(continuation)
    }

    consuming func run() {
        for continuation in list { continuation.resume() }
    }
}
