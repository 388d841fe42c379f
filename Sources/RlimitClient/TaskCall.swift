import RlimitKernel
import RlimitModel

/// One request of a task that waits for its answer. Touched only under the lock of its connection; once it is resumed, only
/// by its task.
@safe final class TaskCall: @unchecked Sendable {
    let inquiry: Inquiry
    let deadline: Deadline
    /// Taken by whoever resumes it, so that this is done once.
    @safe @exclusivity(unchecked) var continuation: UnsafeContinuation<Void, Never>?
    /// What came of it, when that is no answer.
    @safe @exclusivity(unchecked) var ending: Ending?
    /// What has come of its answer.
    @safe @exclusivity(unchecked) var reply = PendingReply()
    /// Its number on the connection; 0 while it is not sent.
    @safe @exclusivity(unchecked) var id: UInt64 = 0
    /// Where its frame ends in all that the connection sends.
    @safe @exclusivity(unchecked) var end = UInt64.max

    init(_ inquiry: Inquiry, _ deadline: Deadline) {
        self.inquiry = inquiry
        self.deadline = deadline
    }

    /// Whether nobody waits for it any more.
    var isAbandoned: Bool { unsafe continuation == nil }

    /// What came of it, once it is resumed.
    func answer<Asked: Question>(to question: Asked) -> Result<Asked.Value?, Ending> {
        if let ending { return .failure(ending) }
        switch reply.answer(to: question) {
        case .success(let value): return .success(value)
        case .failure(let error): return .failure(.failed(error))
        case nil: return .failure(.failed(RlimitError(.internalError)))
        }
    }
}

/// Tasks to resume, once nothing is locked. Each continuation was taken out of its call, so that it is resumed once.
@safe struct Resumptions {
    private var list: [UnsafeContinuation<Void, Never>] = unsafe []

    var count: Int { unsafe list.count }

    /// Its answer is there.
    mutating func add(_ call: TaskCall) {
        if let continuation = unsafe call.continuation.take() { unsafe list.append(continuation) }
    }

    mutating func add(_ call: TaskCall, _ ending: Ending) {
        guard let continuation = unsafe call.continuation.take() else { return }
        call.ending = ending
        unsafe list.append(continuation)
    }

    consuming func run() {
        unsafe list.forEach { unsafe $0.resume() }
    }
}
