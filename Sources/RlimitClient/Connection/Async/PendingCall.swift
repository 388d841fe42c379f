import RlimitKernel
import RlimitModel
import RlimitWire

/// One request of a task that waits for the response. The connection's lock guards it until the task is resumed; after
/// that only the task accesses it.
@safe final class PendingCall: @unchecked Sendable {
    let request: AgentRequest
    let deadline: MonotonicDeadline
    /// The code that resumes the task takes the continuation out, so that the task is resumed once.
    @safe @exclusivity(unchecked) var continuation: UnsafeContinuation<Void, Never>?
    /// The reason why there is no response.
    @safe @exclusivity(unchecked) var failure: ExchangeFailure?
    /// Its id on the connection; 0 before it is sent.
    @safe @exclusivity(unchecked) var id: UInt64 = 0
    /// The position after its frame in the connection's byte stream.
    @safe @exclusivity(unchecked) var end = UInt64.max
    // The response: the requested limit, or any other response. They are separate, because most calls ask for one
    // limit, and small call objects stay in the processor caches.
    private let resource: Resource?
    @safe @exclusivity(unchecked) private var limit: Limit?
    @safe @exclusivity(unchecked) private var other: Other?

    private final class Other {
        @safe @exclusivity(unchecked) var reply = PendingReply()
    }

    /// - Parameter resource: The requested resource, if the request asks for one limit only.
    init(_ request: AgentRequest, resource: Resource?, _ deadline: MonotonicDeadline) {
        self.request = request
        self.resource = resource
        self.deadline = deadline
    }

    /// Whether no task waits for the call.
    var isAbandoned: Bool { unsafe continuation == nil }

    /// Whether the response is complete.
    var isAnswered: Bool { limit != nil || other?.reply.isComplete ?? false }

    /// Adds a complete response that equals the previous one except for its id. Returns false if parts have arrived
    /// already.
    func add(_ decoded: borrowing DecodedLimits) -> Bool {
        if let resource, limit == nil, other == nil, decoded.resources.contains(resource) {
            limit = decoded.limits[resource]
            return true
        }
        return pendingReply?.reply.add(copy decoded) ?? false
    }

    /// Adds a part. Returns false if it does not continue the earlier parts.
    func add(_ response: consuming Response) -> Bool { pendingReply?.reply.add(response) ?? false }

    // Nil if the response is complete already.
    private var pendingReply: Other? {
        if limit != nil { return nil }
        if let other { return other }
        let created = Other()
        other = created
        return created
    }

    /// The outcome, after the task was resumed.
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

/// Tasks to resume after the lock is released. Each continuation was taken out of its call, so that it is resumed once.
@safe struct Resumptions {
    private var list: [UnsafeContinuation<Void, Never>] = unsafe []

    var count: Int { unsafe list.count }

    /// The response of the call is complete.
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
