import RlimitKernel

/// Why a session cannot wait any longer.
enum PeerTimeout {
    /// The rest of a frame does not come.
    case incompleteFrame
    /// The peer reads no responses.
    case unreadResponses
    /// The tenant's buffers have no room for responses.
    case noRoom
    /// The peer reads no responses, or reads too slowly, and its long request takes one of few slots.
    case longRequest

    /// The maximum time from the first byte of a frame to its last.
    static let frame: Duration = .seconds(2)
    /// The maximum time in which the peer of a full socket reads nothing.
    static let reading: Duration = .seconds(30)
    /// The same for a tenant whose buffers have no room.
    static let readingWithoutRoom: Duration = .seconds(1)
    /// The maximum time that a session waits for room.
    static let room: Duration = .seconds(10)
    /// The maximum time in which the peer of a long request reads nothing.
    static let longRequestReading: Duration = .seconds(5)

    /// - Returns: nil if the session may go on waiting.
    init?(of session: Session, now: BootInstant) {
        let buffers = session.buffers
        if let since = buffers.stalledSince {
            let time = now - since
            if time > Self.reading || time > Self.readingWithoutRoom && session.tenantUsage.sessionsWithoutRoom > 0 {
                self = .unreadResponses
            } else if let longRequest = session.longRequest,
                time > Self.longRequestReading || now > longRequest.deadline
            {
                self = .longRequest
            } else {
                return nil
            }
        } else if let since = buffers.waitsForRoomSince {
            guard now - since > Self.room else { return nil }
            self = .noRoom
        } else if let since = session.partialFrameSince {
            // The agent may have had no time to read the rest.
            guard now - since > Self.frame, !session.socket.hasInput else { return nil }
            self = .incompleteFrame
        } else {
            return nil
        }
    }
}
