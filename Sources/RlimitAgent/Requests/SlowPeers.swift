import RlimitKernel
import RlimitModel

// What the dispatcher does about peers that do not read their responses, or do not send the rest of a frame.

extension Dispatcher {
    /// Whether a session may process requests.
    func hasRoom(for session: Session) -> Bool { buffers.hasRoom(for: session, handler.policy) }

    /// Advances a session's long request, if its tenant's buffers have room for a response.
    ///
    /// - Returns: Whether the session has no long request any more.
    mutating func advanceLongRequest(of session: Session, until end: BootInstant) throws(SystemError) -> Bool {
        guard buffers.admit(session, handler.policy, now: clock.now) else { return false }
        defer { buffers.update(session, now: clock.now) }
        return try longRequests.advance(session, until: end, &handler, &replies)
    }

    /// Rejects a connection.
    ///
    /// - Parameter isAnswered: Whether the peer is sent the reason.
    mutating func reject(
        _ socket: borrowing StreamSocket, _ peer: Peer, of tenant: Tenant, _ error: RlimitError, isAnswered: Bool
    ) {
        if isAnswered { replies.reject(socket, error) }
        handler.audit.refused(error, to: peer, of: tenant, operation: "connect")
    }

    /// Answers a session that cannot wait any longer, if an answer has room. The caller closes the session.
    mutating func end(_ session: Session, because timeout: PeerTimeout) {
        switch timeout {
        case .incompleteFrame:
            let start = replies.end
            fail(
                session, RlimitError(.malformed, message: "a frame was not complete within \(PeerTimeout.frame)"))
            _ = try? replies.sendNow(from: start, to: session)
        case .unreadResponses, .longRequest:
            let time = clock.now - (session.buffers.stalledSince ?? clock.now)
            logEnd(of: session, .unreadResponses(for: .seconds(time.components.seconds)))
        case .noRoom: logEnd(of: session, .noRoomForResponses)
        }
    }

    private mutating func logEnd(of session: Session, _ error: RlimitError) {
        handler.statistics.faults += 1
        handler.audit.refused(error, to: session.peer, of: session.tenantUsage.tenant, operation: "send")
    }

    /// Gives up a session's long request.
    mutating func giveUpLongRequest(of session: Session) {
        longRequests.giveUp(session, &handler, &replies)
        buffers.update(session, now: clock.now)
    }

    /// Gives up the long request of a peer that does not read, if there is no slot left for a session's long request.
    mutating func freeLongRequestSlot(for session: Session) {
        guard let other = longRequests.sessionToGiveUp(for: session, handler.policy, now: clock.now) else { return }
        buffers.measure(other, now: clock.now)
        // Has it read something since the last check?
        guard let since = other.buffers.stalledSince, since < clock.now else { return }
        giveUpLongRequest(of: other)
    }
}
