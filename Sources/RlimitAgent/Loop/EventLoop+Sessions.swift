import Logging
import RlimitKernel

// Turns.
extension EventLoop {
    mutating func serveSession(_ token: UInt64, isOver: Bool = false) {
        guard let session = sessions[token] else { return }
        // Nobody is left who could read the answer. Otherwise reading finds that out.
        if isOver && session.isReadingPaused { return closeSession(token, session) }
        guard session.tenantUsage.hasTime(inIteration: iteration) else {
            session.isDeferred = true
            return enqueueInBacklog(session, token)
        }
        session.isDeferred = false
        let start = dispatcher.now
        dispatcher.processInput(of: session)
        dispatcher.now = .now
        session.tenantUsage.charge(dispatcher.now.nanoseconds(since: start), inIteration: iteration)
        if dispatcher.isFull { deliverResponses() }
    }

    // Everyone who called was heard.
    mutating func deliverResponses() {
        dispatcher.batchNumber += 1
        for place in dispatcher.pendingDeliveries.indices {
            let delivery = dispatcher.pendingDeliveries[place]
            let session = delivery.session
            let start = dispatcher.now
            let nextStep = dispatcher.deliver(delivery)
            dispatcher.now = .now
            session.tenantUsage.charge(dispatcher.now.nanoseconds(since: start), inIteration: iteration)
            if sessions[session.token] != nil { applyNextStep(session, nextStep) }
        }
        dispatcher.clear()
        if dispatcher.processes.isOverCapacity {
            dispatcher.evictIdleProcesses(among: &sessions, tenants: tenants.connectedCount)
        }
    }

    private mutating func applyNextStep(_ session: Session, _ nextStep: Session.NextStep) {
        let token = session.token
        switch nextStep {
        case .read: watch(session, for: .readable, token)
        case .write: watch(session, for: .writable, token)
        case .wait: watch(session, for: [], token)
        case .continueProcessing:
            watch(session, for: .readable, token)
            enqueueInBacklog(session, token)
        case .close: return closeSession(token, session)
        }
        // Of one that was put off since, the kernel may still hold requests.
        if drainsUntil != nil && session.isIdle && !session.isDeferred { closeSession(token, session) }
    }

    // Once, or each turn would give it one turn more than the last.
    private mutating func enqueueInBacklog(_ session: Session, _ token: UInt64) {
        if !session.isInBacklog { backlog.append(token) }
        session.isInBacklog = true
    }

    mutating func processBacklog() {
        dispatcher.now = .now
        let tokens = backlog
        backlog.removeAll(keepingCapacity: true)
        for token in tokens {
            guard let session = sessions[token] else { continue }
            session.isInBacklog = false
            if session.hasCompleteFrames || session.isDeferred { serveSession(token) }
        }
    }

    // One errand a turn has a slice, then it is the next one's. Those whose peers do not take the answers wait.
    mutating func advanceLongRequest() {
        guard let place = dispatcher.longRequests.firstIndex(where: { sessions[$0]?.isOutputDrained ?? true }) else {
            return
        }
        let token = dispatcher.longRequests.remove(at: place)
        guard let session = sessions[token] else { return }
        dispatcher.longRequests.append(token)
        do throws(SystemError) {
            if try dispatcher.advance(session, until: .now + Self.longRequestSlice) { return serveSession(token) }
            if !session.isOutputDrained { watch(session, for: .writable, token) }
        } catch {
            closeSession(token, session)
        }
    }

    private mutating func watch(_ session: Session, for interest: Poller.Interest, _ token: UInt64) {
        guard session.interest != interest else { return }
        do throws(SystemError) {
            try poller.change(session.socket.descriptor.number, interest, token: token)
            session.interest = interest
        } catch {
            log.error("cannot watch a connection: \(error)")
            closeSession(token, session)
        }
    }

    var pollTimeout: Duration? {
        if !backlog.isEmpty || dispatcher.longRequests.contains(where: { sessions[$0]?.isOutputDrained ?? true }) {
            return .zero
        }
        if acceptResumesAt != nil { return Self.acceptRetryDelay }
        // Sessions may hold half a frame, a drain has an end, a full log wants to be written: looked after by and by.
        if drainsUntil != nil || dispatcher.partialFrameSessions > 0 || !dispatcher.longRequests.isEmpty
            || !sink.isEmpty
        {
            return Self.timeoutCheckInterval
        }
        return serviceManager.watchdogPingInterval
    }

    mutating func checkTimeouts() {
        serviceManager.pingWatchdog(now: dispatcher.now)
        if let moment = acceptResumesAt, dispatcher.now >= moment {
            acceptResumesAt = nil
            listen(true)
        }
        guard dispatcher.now >= nextTimeoutCheck,
            dispatcher.partialFrameSessions > 0 || !dispatcher.longRequests.isEmpty || drainsUntil != nil
        else {
            return
        }
        nextTimeoutCheck = dispatcher.now + Self.timeoutCheckInterval
        for token in sessions.tokens {
            guard let session = sessions[token] else { continue }
            if let since = session.partialFrameSince, dispatcher.now - since > Session.frameTimeout {
                dispatcher.timeOut(session)
                closeSession(token, session)
            } else if let longRequest = session.longRequest, dispatcher.now > longRequest.deadline,
                !session.isOutputDrained
            {
                // The peer does not take the answers, and has its place among the errands.
                closeSession(token, session)
            } else if let end = drainsUntil, dispatcher.now >= end {
                self.closeSession(token, session)
            }
        }
    }
}
