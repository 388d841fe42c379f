import RlimitKernel
import RlimitModel
import RlimitWire

/// Where sessions are served, one at a time, with what they all share.
///
/// `serve` is the story of a session, one turn of it: send what is left, receive, take the frames apart, answer each, send.
/// A turn reads once, answers at most `Frame.requestsInFlight` requests, and begins none after `turnTime`, so no session keeps
/// the others waiting.
struct Desk: ~Copyable {
    var handler: RequestHandler
    /// The time, as it was when somebody last looked; never long ago.
    var now = Moment.now
    /// When the session that is served was received from.
    var received = Moment.now
    /// How many sessions have sent the beginning of a frame and not yet its end.
    var waitingSessions = 0
    var decoder = RequestDecoder()
    var encoder = ResponseEncoder()
    /// Errands under way at once, of all sessions: each holds some descriptors.
    let errandLimit: Int
    /// The sessions that have an errand under way, in the order in which they get their next slice.
    var errands: [UInt64] = []
    // What came in and what goes out within one turn; what is left of either moves to the session.
    var input = ByteQueue()
    var output = ByteQueue()
    var gets = GetRun(capacity: Frame.requestsInFlight)

    /// What one read takes at most.
    static let readSize = 16 * 1024
    /// With this much to send, a turn answers no more requests.
    static let outputSize = 64 * 1024
    /// After this long, a turn answers no more requests: what the kernel shows of some processes takes it many milliseconds.
    /// In nanoseconds.
    static let turnTime: UInt64 = 500_000

    init(handler: consuming RequestHandler, errandLimit: Int) {
        self.handler = handler
        self.errandLimit = errandLimit
    }

    mutating func serve(_ session: Session) -> Session.Fate {
        do throws(SystemError) {
            guard try sendLeftovers(of: session) else { return .writes }
            if session.isEnding { return .ends }
            if !session.rests {
                received = now
                session.isOver = try receive(from: session)
                answerFrames(of: session)
            }
            guard try send(to: session) else { return .writes }
            if session.isEnding || session.isOver && session.errand == nil { return .ends }
            return session.rests ? .rests : session.hasWholeFrames ? .hasMore : .reads
        } catch {
            // The peer is gone, so nobody is left to be told.
            gets.removeAll()
            input.removeAll()
            output.removeAll()
            return .ends
        }
    }

    /// Tells somebody why it is not served, as far as its socket takes it.
    mutating func turnAway(_ socket: borrowing StreamSocket, _ error: RlimitError) {
        encoder.encode(Response(id: 0, .failure(error)), into: &output)
        _ = unsafe output.withUnsafeBytes { bytes in unsafe try? socket.send(bytes) }
        output.removeAll()
    }

    /// Tells a session that it broke the protocol; it ends once it has been told.
    mutating func fault(_ session: Session, _ error: RlimitError, id: UInt64 = 0) {
        encoder.encode(Response(id: id, .failure(error)), into: &output)
        handler.statistics.faults += 1
        handler.audit.refused(error, to: session.peer, operation: "frame", target: nil)
        session.isEnding = true
    }

    /// A session waits for nothing any more.
    mutating func forget(_ session: Session) {
        if session.waitingSince.take() != nil { waitingSessions -= 1 }
    }

    /// A session has ended.
    mutating func end(_ session: Session) {
        forget(session)
        endErrand(of: session)
    }

    /// `fault`, for one that waits for the rest of a frame.
    mutating func timeOut(_ session: Session) {
        fault(session, RlimitError(.malformed, message: "a frame was not whole within \(Session.frameTime)"))
        _ = try? send(to: session)
    }
}

// Replies to bytes.
extension Desk {
    // False: the peer has not taken all of it yet.
    private func sendLeftovers(of session: Session) throws(SystemError) -> Bool {
        if session.unsent.isEmpty { return true }
        while !session.unsent.isEmpty {
            guard
                let count = try unsafe session.unsent.withUnsafeBytes({ bytes throws(SystemError) in
                    unsafe try session.socket.send(bytes)
                })
            else { return false }
            session.unsent.consume(count)
        }
        session.unsent.releaseIfEmpty()
        return true
    }

    // One send for all responses of the turn. False: some of it moved to the session. Nothing is left here in any case: it
    // would go to whoever is served next.
    mutating func send(to session: Session) throws(SystemError) -> Bool {
        guard !output.isEmpty else { return true }
        defer { output.removeAll() }
        let count = try unsafe output.withUnsafeBytes { bytes throws(SystemError) in
            unsafe try session.socket.send(bytes)
        }
        if count == output.count { return true }
        output.consume(count ?? 0)
        output.withBytes { session.unsent.append($0) }
        return session.unsent.isEmpty
    }
}
