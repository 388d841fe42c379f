import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

// Receiving: the reactor does.
extension AsyncConnection {
    /// Something came, or the end.
    func receive() {
        var received = StreamSocket.Received.wouldBlock
        do throws(SystemError) {
            received = try reader.fill(from: socket)
        } catch {
            return fail(.connectionLost(agentSocket, error.description))
        }
        var failure: RlimitError?
        var resumptions = Resumptions()
        lock.lock()
        do throws(RlimitError) {
            drain: while true {
                switch try reader.next() {
                case .repeated(let id): try deliver(reader.repeatedLimits, of: id, &resumptions)
                case .response: if let response = reader.takeResponse() { try deliver(response, &resumptions) }
                case .incomplete: break drain
                }
            }
        } catch {
            failure = error
        }
        if received == .end {
            failure = failure ?? .connectionLost(agentSocket, sendFailure?.description ?? "it was closed")
        } else if isClosingWhenIdle, isIdle {
            failure = failure ?? .connectionLost(agentSocket, "it was let go")
        }
        let count = resumptions.count
        let coalesces = failure == nil && count >= Self.coalesceThreshold
        if coalesces { (isCoalescing, coalesceTarget) = (true, startedCount + UInt64(count)) }
        // Those that waited for the agent to take more.
        let sendsMore = failure == nil && !coalesces && canSend
        if sendsMore { sendState = .sending }
        lock.unlock()
        let jobCountBefore = reactor.jobCount
        resumptions.run()
        // What runs on the reactor waits for its turn, and what it asks is sent together anyhow.
        let isOffReactor = jobCountBefore + count - reactor.jobCount >= Self.coalesceThreshold
        if let failure { fail(failure) } else if sendsMore { sendQueued() }
        guard coalesces else { return }
        if isOffReactor {
            coalesceSends()
        } else {
            lock.withLock { isCoalescing = false }
            sendCoalesced()
        }
    }

    // As many tasks that are answered at once are likely to ask again at once.
    private static let coalesceThreshold = 4
    // So often the reactor looks in vain for what they ask.
    private static let maxIdleYields = 8

    // Lets the tasks run that were answered, and sends together what they ask. To leave that to them would take a write, or
    // another task that waits for its turn, for few requests each. The last of them sends by itself.
    private func coalesceSends() {
        var idleYields = 0
        var lastStartedCount: UInt64?
        while true {
            DetachedThread.yield()
            lock.lock()
            let isMoving = startedCount != lastStartedCount
            lastStartedCount = startedCount
            idleYields = isMoving ? 0 : idleYields + 1
            if idleYields >= Self.maxIdleYields || closeReason != nil { isCoalescing = false }
            let isDone = !isCoalescing
            // As soon as they pause.
            let isSender = (isDone || !isMoving) && sendState == .idle && !sent.isFull && !queue.isEmpty
            if isSender { sendState = .sending }
            lock.unlock()
            if isSender { sendQueued() }
            if isDone { return }
        }
    }

    private func deliver(_ response: consuming Response, _ resumptions: inout Resumptions) throws(RlimitError) {
        guard let call = sent[response.id] else { return }
        if !response.more { sent.remove(call) }
        guard !call.isAbandoned else {
            if case .success(.changes(_, let lease?)) = response.outcome, let renewer {
                Task.detached { renewer.releaseUnclaimed(lease.id) }
            }
            return
        }
        guard call.add(response) else { throw .protocolViolation(agentSocket, "an answer in parts that do not fit") }
        guard call.isAnswered else { return }
        sent.remove(call)
        resumptions.add(call)
    }

    // The same of an answer that repeats the last one.
    private func deliver(
        _ decoded: borrowing DecodedLimits, of id: UInt64, _ resumptions: inout Resumptions
    ) throws(RlimitError) {
        guard let call = sent[id] else { return }
        sent.remove(call)
        guard !call.isAbandoned else { return }
        guard call.add(decoded) else { throw .protocolViolation(agentSocket, "an answer in parts that do not fit") }
        resumptions.add(call)
    }

    /// Ends it, and tells everyone who waits.
    func fail(_ error: RlimitError) {
        var resumptions = Resumptions()
        let renewer: LeaseRenewer? = lock.withLock {
            guard closeReason == nil else { return nil }
            closeReason = error
            closedFlag.store(true, ordering: .releasing)
            // Of what is being sent at this moment the agent may have all.
            let completeCount = sendState == .sending ? appendedCount : sentCount
            sent.forEach { resumptions.add($0, Self.failure(error, isSent: $0.end <= completeCount)) }
            for call in queue.removeAll() { resumptions.add(call, Self.failure(error, isSent: false)) }
            sent.removeAll()
            return self.renewer
        }
        reactor.remove(self)
        resumptions.run()
        renewer?.connectionLost(token)
    }

    static func failure(_ error: RlimitError, isSent: Bool) -> ExchangeFailure {
        guard error.code == .connectionLost else { return .failed(error) }
        return isSent ? .unanswered(error) : .unsent(error)
    }
}
