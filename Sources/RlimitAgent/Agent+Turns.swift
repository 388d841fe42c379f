import Logging
import RlimitKernel

// Turns.
extension Agent {
    mutating func serve(_ token: UInt64, isOver: Bool = false) {
        guard let session = sessions[token] else { return }
        // Nobody is left who could read the answer. Otherwise reading finds that out.
        if isOver && session.rests { return end(token, session) }
        guard session.account.hasTime(inTurn: turn) else {
            session.isPutOff = true
            return putInBacklog(session, token)
        }
        session.isPutOff = false
        let start = desk.now
        desk.serve(session)
        desk.now = .now
        session.account.spend(desk.now.nanoseconds(since: start), inTurn: turn)
        if desk.isFull { deliver() }
    }

    // Everyone who called was heard.
    mutating func deliver() {
        desk.occasion += 1
        for place in desk.letters.indices {
            let letter = desk.letters[place]
            let session = letter.session
            let start = desk.now
            let fate = desk.deliver(letter)
            desk.now = .now
            session.account.spend(desk.now.nanoseconds(since: start), inTurn: turn)
            if sessions[session.token] != nil { settle(session, fate) }
        }
        desk.clear()
        if desk.processes.isShort { desk.makeRoom(among: &sessions, tenants: tenants.present) }
    }

    private mutating func settle(_ session: Session, _ fate: Session.Fate) {
        let token = session.token
        switch fate {
        case .reads: watch(session, for: .readable, token)
        case .writes: watch(session, for: .writable, token)
        case .rests: watch(session, for: [], token)
        case .hasMore:
            watch(session, for: .readable, token)
            putInBacklog(session, token)
        case .ends: return end(token, session)
        }
        // Of one that was put off since, the kernel may still hold requests.
        if drainsUntil != nil && session.isIdle && !session.isPutOff { end(token, session) }
    }

    // Once, or each turn would give it one turn more than the last.
    private mutating func putInBacklog(_ session: Session, _ token: UInt64) {
        if !session.isInBacklog { backlog.append(token) }
        session.isInBacklog = true
    }

    mutating func serveBacklog() {
        desk.now = .now
        let tokens = backlog
        backlog.removeAll(keepingCapacity: true)
        for token in tokens {
            guard let session = sessions[token] else { continue }
            session.isInBacklog = false
            if session.hasWholeFrames || session.isPutOff { serve(token) }
        }
    }

    // One errand a turn has a slice, then it is the next one's. Those whose peers do not take the answers wait.
    mutating func serveErrands() {
        guard let place = desk.errands.firstIndex(where: { sessions[$0]?.takesAnswers ?? true }) else { return }
        let token = desk.errands.remove(at: place)
        guard let session = sessions[token] else { return }
        desk.errands.append(token)
        do throws(SystemError) {
            if try desk.advance(session, until: .now + Self.errandSlice) { return serve(token) }
            if !session.takesAnswers { watch(session, for: .writable, token) }
        } catch {
            end(token, session)
        }
    }

    private mutating func watch(_ session: Session, for interest: Poller.Interest, _ token: UInt64) {
        guard session.interest != interest else { return }
        do throws(SystemError) {
            try poller.change(session.socket.descriptor.number, interest, token: token)
            session.interest = interest
        } catch {
            log.error("cannot watch a connection: \(error)")
            end(token, session)
        }
    }

    var timeToWait: Duration? {
        if !backlog.isEmpty || desk.errands.contains(where: { sessions[$0]?.takesAnswers ?? true }) { return .zero }
        if acceptsAgainAt != nil { return Self.acceptPause }
        // Sessions may hold half a frame, a drain has an end, a full log wants to be written: looked after by and by.
        if drainsUntil != nil || desk.waitingSessions > 0 || !desk.errands.isEmpty || !sink.isEmpty { return Self.tick }
        return supervisor.interval
    }

    mutating func lookAfterTheLate() {
        supervisor.isAlive(now: desk.now)
        if let moment = acceptsAgainAt, desk.now >= moment {
            acceptsAgainAt = nil
            listen(true)
        }
        guard desk.now >= tickAt, desk.waitingSessions > 0 || !desk.errands.isEmpty || drainsUntil != nil else {
            return
        }
        tickAt = desk.now + Self.tick
        for token in sessions.tokens {
            guard let session = sessions[token] else { continue }
            if let since = session.waitingSince, desk.now - since > Session.frameTime {
                desk.timeOut(session)
                end(token, session)
            } else if let errand = session.errand, desk.now > errand.deadline, !session.takesAnswers {
                // The peer does not take the answers, and has its place among the errands.
                end(token, session)
            } else if let end = drainsUntil, desk.now >= end {
                self.end(token, session)
            }
        }
    }
}
