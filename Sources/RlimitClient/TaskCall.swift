import RlimitKernel
import RlimitModel
import RlimitWire

/// One request of a task that waits for its answer. Touched only under the lock of its connection; once it is resumed, only
/// by its task.
@safe final class TaskCall: @unchecked Sendable {
    let inquiry: Inquiry
    let deadline: Deadline
    /// Taken by whoever resumes it, so that this is done once.
    @safe @exclusivity(unchecked) var continuation: UnsafeContinuation<Void, Never>?
    /// What came of it, when that is no answer.
    @safe @exclusivity(unchecked) var ending: Ending?
    /// Its number on the connection; 0 while it is not sent.
    @safe @exclusivity(unchecked) var id: UInt64 = 0
    /// Where its frame ends in all that the connection sends.
    @safe @exclusivity(unchecked) var end = UInt64.max
    // What has come of its answer: the one limit that it asked for, or whatever else. Apart, for most calls are about one
    // limit, and many small calls stay in the caches.
    private let resource: Resource?
    @safe @exclusivity(unchecked) private var limit: Limit?
    @safe @exclusivity(unchecked) private var other: Other?

    private final class Other {
        @safe @exclusivity(unchecked) var reply = PendingReply()
    }

    /// - Parameter resource: The one whose limit is all that is asked for.
    init(_ inquiry: Inquiry, resource: Resource?, _ deadline: Deadline) {
        self.inquiry = inquiry
        self.resource = resource
        self.deadline = deadline
    }

    /// Whether nobody waits for it any more.
    var isAbandoned: Bool { unsafe continuation == nil }

    /// Whether the whole answer is there.
    var isAnswered: Bool { limit != nil || other?.reply.isWhole ?? false }

    /// A whole answer that repeats the last one. False where another has begun.
    func take(_ told: borrowing ToldLimits) -> Bool {
        if let resource, limit == nil, other == nil, told.resources.contains(resource) {
            limit = told.limits[resource]
            return true
        }
        return rest?.reply.take(copy told) ?? false
    }

    /// False where a part does not continue what came before.
    func take(_ response: consuming Response) -> Bool { rest?.reply.take(response) ?? false }

    // Nil where the whole answer is there already.
    private var rest: Other? {
        if limit != nil { return nil }
        if let other { return other }
        let fresh = Other()
        other = fresh
        return fresh
    }

    /// What came of it, once it is resumed.
    func answer<Asked: Question>(to question: Asked) -> Result<Asked.Value?, Ending> {
        if let ending { return .failure(ending) }
        if let limit { return .success(question.value(of: limit)) }
        switch other?.reply.answer(to: question) {
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
