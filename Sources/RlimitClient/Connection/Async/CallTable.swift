import RlimitKernel
import RlimitModel
import RlimitWire

/// The calls on one connection: those in flight, and those that wait in order to be sent. The connection's lock guards
/// it.
struct CallTable {
    private var inFlight = InFlightCalls()
    private var queue = CallQueue()
    // The bytes of all frames that were encoded, and of those the bytes that the kernel has taken.
    private var encodedCount: UInt64 = 0
    private var sentCount: UInt64 = 0

    /// Whether a queued call can be sent.
    var canSend: Bool { !inFlight.isFull && !queue.isEmpty }
    /// Whether no task waits for a response.
    var isIdle: Bool { queue.isEmpty && inFlight.allSatisfy(\.isAbandoned) }
    var hasQueuedCalls: Bool { !queue.isEmpty }

    mutating func append(_ call: PendingCall) { queue.append(call) }

    /// The next call to send, and its id; nil if there is none, or too many are in flight.
    mutating func next() -> (call: PendingCall, id: UInt64)? {
        guard let id = inFlight.nextID, let call = queue.first else { return nil }
        return (call, id)
    }

    /// Takes the call that `next()` returned out of the queue.
    mutating func removeNext() { queue.removeFirst() }

    /// A call was encoded in this many bytes, with the id that `next()` returned.
    mutating func insert(_ call: PendingCall, byteCount: Int) {
        encodedCount += UInt64(byteCount)
        call.end = encodedCount
        inFlight.insert(call)
    }

    mutating func recordSent(_ byteCount: Int) { sentCount += UInt64(byteCount) }

    /// Ends the wait of a call's task. A queued call is then never sent.
    mutating func abandon(_ call: PendingCall, _ error: RlimitError, _ resumptions: inout Resumptions) {
        guard !call.isAbandoned else { return }
        resumptions.add(call, .failed(error))
        if call.id == 0 { queue.noteAbandoned() }
    }

    /// Abandons the calls whose deadline has passed. Returns the next deadline.
    mutating func expire(
        at now: MonotonicDeadline, _ error: RlimitError, _ resumptions: inout Resumptions
    ) -> MonotonicDeadline {
        var next = MonotonicDeadline.never
        var expired: [PendingCall] = []
        func visit(_ call: PendingCall) {
            guard !call.isAbandoned else { return }
            if call.deadline <= now { expired.append(call) } else { next = min(next, call.deadline) }
        }
        inFlight.forEach(visit)
        queue.forEach(visit)
        for call in expired { abandon(call, error, &resumptions) }
        return next
    }

    /// Ends all calls with the reason for which the connection closed.
    ///
    /// - Parameter isSending: A write is under way, so the agent may have received every encoded byte.
    mutating func failAll(_ reason: RlimitError, isSending: Bool, _ resumptions: inout Resumptions) {
        let completeCount = isSending ? encodedCount : sentCount
        inFlight.forEach { call in
            resumptions.add(call, ExchangeFailure(connectionClosed: reason, isSent: call.end <= completeCount))
        }
        for call in queue.removeAll() {
            resumptions.add(call, ExchangeFailure(connectionClosed: reason, isSent: false))
        }
        inFlight.removeAll()
    }

    /// Delivers a response, or a part of one, to its call. Ignores responses to unknown ids.
    ///
    /// - Returns: The id of a lease that was granted to a call that no longer waits.
    /// - Throws: `.malformed` if a part does not continue the earlier parts.
    mutating func deliver(
        _ response: consuming Response, from agentSocket: AgentSocket, _ resumptions: inout Resumptions
    ) throws(RlimitError) -> LeaseInfo.ID? {
        guard let call = inFlight[response.id] else { return nil }
        if !response.more { inFlight.remove(call) }
        guard !call.isAbandoned else {
            if case .success(.changes(_, let lease?)) = response.outcome { return lease.id }
            return nil
        }
        guard call.add(response) else { throw .partDoesNotContinue(agentSocket) }
        guard call.isAnswered else { return nil }
        inFlight.remove(call)
        resumptions.add(call)
        return nil
    }

    /// Delivers a complete response that equals the previous one except for its id.
    ///
    /// - Throws: `.malformed` if the call has received parts of another response.
    mutating func deliver(
        _ decoded: borrowing DecodedLimits, to id: UInt64, from agentSocket: AgentSocket,
        _ resumptions: inout Resumptions
    ) throws(RlimitError) {
        guard let call = inFlight[id] else { return }
        inFlight.remove(call)
        guard !call.isAbandoned else { return }
        guard call.add(decoded) else { throw .partDoesNotContinue(agentSocket) }
        resumptions.add(call)
    }
}
