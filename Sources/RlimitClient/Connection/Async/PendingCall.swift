import RlimitKernel
import RlimitModel
import RlimitWire

/// One request of a task that waits for its answer. Touched only under the lock of its connection; once it is resumed, only
/// by its task.
@safe final class PendingCall: @unchecked Sendable {
    let request: AgentRequest
    let deadline: MonotonicDeadline
    /// Taken by whoever resumes it, so that this is done once.
    @safe @exclusivity(unchecked) var continuation: UnsafeContinuation<Void, Never>?
    /// What came of it, when that is no answer.
    @safe @exclusivity(unchecked) var failure: ExchangeFailure?
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
    init(_ request: AgentRequest, resource: Resource?, _ deadline: MonotonicDeadline) {
        self.request = request
        self.resource = resource
        self.deadline = deadline
    }

    /// Whether nobody waits for it any more.
    var isAbandoned: Bool { unsafe continuation == nil }

    /// Whether the whole answer is there.
    var isAnswered: Bool { limit != nil || other?.reply.isComplete ?? false }

    /// A whole answer that repeats the last one. False where another has begun.
    func add(_ decoded: borrowing DecodedLimits) -> Bool {
        if let resource, limit == nil, other == nil, decoded.resources.contains(resource) {
            limit = decoded.limits[resource]
            return true
        }
        return pendingReply?.reply.add(copy decoded) ?? false
    }

    /// False where a part does not continue what came before.
    func add(_ response: consuming Response) -> Bool { pendingReply?.reply.add(response) ?? false }

    // Nil where the whole answer is there already.
    private var pendingReply: Other? {
        if limit != nil { return nil }
        if let other { return other }
        let created = Other()
        other = created
        return created
    }

    /// What came of it, once it is resumed.
    func answer<Call: AgentCall>(to call: Call) -> Result<Call.Value?, ExchangeFailure> {
        if let failure { return .failure(failure) }
        if let limit { return .success(call.value(of: limit)) }
        switch other?.reply.answer(to: call) {
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
    mutating func add(_ call: PendingCall) {
        if let continuation = unsafe call.continuation.take() { unsafe list.append(continuation) }
    }

    mutating func add(_ call: PendingCall, _ failure: ExchangeFailure) {
        guard let continuation = unsafe call.continuation.take() else { return }
        call.failure = failure
        unsafe list.append(continuation)
    }

    consuming func run() {
        unsafe list.forEach { unsafe $0.resume() }
    }
}
