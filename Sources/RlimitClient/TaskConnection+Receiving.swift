import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

// Receiving: the reactor does.
extension TaskConnection {
    /// Something came, or the end.
    func receive() {
        var received = StreamSocket.Received.wouldBlock
        do throws(SystemError) {
            received = try reader.fill(from: socket)
        } catch {
            return end(.lost(place, error.description))
        }
        var failure: RlimitError?
        var resumptions = Resumptions()
        monitor.lock()
        do throws(RlimitError) {
            takingAll: while true {
                switch try reader.next() {
                case .repeated(let id): try deliver(reader.repeatedLimits, of: id, &resumptions)
                case .response: if let response = reader.takeResponse() { try deliver(response, &resumptions) }
                case .incomplete: break takingAll
                }
            }
        } catch {
            failure = error
        }
        if received == .end {
            failure = failure ?? .lost(place, sendFailure?.description ?? "it was closed")
        } else if isLetGo, isIdle {
            failure = failure ?? .lost(place, "it was let go")
        }
        let count = resumptions.count
        let gathers = failure == nil && count >= Self.crowd
        if gathers { (isGathering, gatheredCount) = (true, begunCount + UInt64(count)) }
        // Those that waited for the agent to take more.
        let sendsMore = failure == nil && !gathers && canSend
        if sendsMore { sending = .somebody }
        monitor.unlock()
        let before = reactor.jobCount
        resumptions.run()
        // What runs on the reactor waits for its turn, and what it asks is sent together anyhow.
        let isElsewhere = before + count - reactor.jobCount >= Self.crowd
        if let failure { end(failure) } else if sendsMore { sendQueued() }
        guard gathers else { return }
        if isElsewhere {
            gather()
        } else {
            monitor.locked { isGathering = false }
            sendGathered()
        }
    }

    // As many tasks that are answered at once are likely to ask again at once.
    private static let crowd = 4
    // So often the reactor looks in vain for what they ask.
    private static let patience = 8

    // Lets the tasks run that were answered, and sends together what they ask. To leave that to them would take a write, or
    // another task that waits for its turn, for few requests each. The last of them sends by itself.
    private func gather() {
        var looks = 0
        var seen: UInt64?
        while true {
            DetachedThread.yield()
            monitor.lock()
            let isMoving = begunCount != seen
            seen = begunCount
            looks = isMoving ? 0 : looks + 1
            if looks >= Self.patience || ending != nil { isGathering = false }
            let isOver = !isGathering
            // As soon as they pause.
            let isOurs = (isOver || !isMoving) && sending == .nobody && !sent.isFull && !queue.isEmpty
            if isOurs { sending = .somebody }
            monitor.unlock()
            if isOurs { sendQueued() }
            if isOver { return }
        }
    }

    private func deliver(_ response: consuming Response, _ resumptions: inout Resumptions) throws(RlimitError) {
        guard let call = sent[response.id] else { return }
        if !response.more { sent.remove(call) }
        guard !call.isAbandoned else {
            if case .success(.changes(_, let lease?)) = response.outcome, let keeper {
                Task.detached { keeper.strayed(lease.id) }
            }
            return
        }
        guard call.take(response) else { throw .noAgent(place, "an answer in parts that do not fit") }
        guard call.isAnswered else { return }
        sent.remove(call)
        resumptions.add(call)
    }

    // The same of an answer that repeats the last one.
    private func deliver(
        _ told: borrowing ToldLimits, of id: UInt64, _ resumptions: inout Resumptions
    ) throws(RlimitError) {
        guard let call = sent[id] else { return }
        sent.remove(call)
        guard !call.isAbandoned else { return }
        guard call.take(told) else { throw .noAgent(place, "an answer in parts that do not fit") }
        resumptions.add(call)
    }

    /// Ends it, and tells everyone who waits.
    func end(_ error: RlimitError) {
        var resumptions = Resumptions()
        let keeper: LeaseKeeper? = monitor.locked {
            guard ending == nil else { return nil }
            ending = error
            isOver.store(true, ordering: .releasing)
            // Of what is being sent at this moment the agent may have all.
            let whole = sending == .somebody ? appendedCount : sentCount
            sent.forEach { resumptions.add($0, Self.ending(error, isSent: $0.end <= whole)) }
            for call in queue.removeAll() { resumptions.add(call, Self.ending(error, isSent: false)) }
            sent.removeAll()
            return self.keeper
        }
        reactor.remove(self)
        resumptions.run()
        keeper?.lost(token)
    }

    static func ending(_ error: RlimitError, isSent: Bool) -> Ending {
        guard error.code == .connectionLost else { return .failed(error) }
        return isSent ? .unanswered(error) : .unsent(error)
    }
}
