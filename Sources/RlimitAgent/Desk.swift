import RlimitKernel
import RlimitModel
import RlimitWire

/// Where sessions are served, one at a time, with what they all share.
///
/// `serve` and `deliver` are the story of a session, one turn of it: send what is left, receive, take the frames apart, answer
/// each, send. A turn reads once, answers at most `Frame.requestsInFlight` requests, and begins none after `turnTime`, so no
/// session keeps the others waiting. Answers are sent once all who called were heard: a peer that is woken for one answer may
/// take the processor from the agent, and so, at worst, for each.
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
    /// How many descriptors there are for what.
    let budget: DescriptorBudget
    /// The sessions that have an errand under way, in the order in which they get their next slice.
    var errands: [UInt64] = []
    // What came in and what goes out within one turn; what is left of either moves to the session.
    var input = ByteQueue()
    var output = ByteQueue()
    /// The processes that sessions hold.
    var processes = HeldProcesses()
    /// Tells when there is something to do about leases.
    var leases: LeaseWatch
    /// Gets that are answered once everyone was heard.
    var gets: [PendingGet] = []
    /// Where in `gets` begin those of the session that is served.
    var getsStart = 0
    /// On which processes are looked at, once for each.
    var occasion: UInt64 = 0
    /// Where in `output` begins what the session is sent that is served.
    var outputStart = 0
    /// Whom to send what of `output`, once everyone was heard.
    private(set) var letters: [Letter] = []

    /// What one read takes at most.
    static let readSize = 16 * 1024
    /// With this much to send, a turn answers no more requests.
    static let outputSize = 64 * 1024
    /// After this long, a turn answers no more requests: what the kernel shows of some processes takes it many milliseconds.
    /// In nanoseconds.
    static let turnTime: UInt64 = 500_000

    init(handler: consuming RequestHandler, budget: DescriptorBudget, leases: consuming LeaseWatch) {
        self.leases = leases
        self.handler = handler
        self.budget = budget
        gets.reserveCapacity(Frame.requestsInFlight)
    }

    /// There is much to send already, or room is to be made first.
    var isFull: Bool {
        output.count >= Self.outputSize || gets.count >= 4 * Frame.requestsInFlight || processes.isShort
    }

    /// The first half of a session's turn: what it sent is received and answered. The answers lie in `output` until `deliver`.
    mutating func serve(_ session: Session) { _ = serve(session, onlyIfReady: false) }

    /// The same of one that waits for nothing but its peer's next request. False: nothing has come.
    mutating func serveIfReady(_ session: Session) -> Bool { serve(session, onlyIfReady: true) }

    private mutating func serve(_ session: Session, onlyIfReady: Bool) -> Bool {
        outputStart = output.count
        getsStart = gets.count
        var letter = Letter(session)
        do throws(SystemError) {
            if try sendLeftovers(of: session), !session.isEnding, !session.rests {
                received = now
                session.isOver = try receive(from: session)
                if onlyIfReady, input.isEmpty, !session.isOver, !session.isEnding { return false }
                answerFrames(of: session)
            }
        } catch {
            // The peer is gone, so nobody is left to be told.
            gets.removeSubrange(getsStart...)
            input.removeAll()
            output.truncate(to: outputStart)
            letter.isLost = true
        }
        letter.text = outputStart..<output.count
        letter.gets = getsStart..<gets.count
        letters.append(letter)
        return true
    }

    /// The second half: the answers are sent.
    mutating func deliver(_ letter: Letter) -> Session.Fate {
        let session = letter.session
        guard !letter.isLost else { return .ends }
        do throws(SystemError) {
            // A letter is either.
            guard try letter.gets.isEmpty ? send(letter.text, to: session) : sendGets(letter) else { return .writes }
            if session.isEnding || session.isOver && session.errand == nil { return .ends }
            return session.rests ? .rests : session.hasWholeFrames ? .hasMore : .reads
        } catch {
            return .ends
        }
    }

    /// All letters were delivered.
    mutating func clear() {
        letters.removeAll(keepingCapacity: true)
        gets.removeAll(keepingCapacity: true)
        output.removeAll()
    }

    /// Tells somebody why it is not served, as far as its socket takes it.
    mutating func turnAway(_ socket: borrowing StreamSocket, _ error: RlimitError) {
        let start = output.count
        encoder.encode(Response(id: 0, .failure(error)), into: &output)
        _ = unsafe output.withUnsafeBytes { bytes in
            unsafe try? socket.send(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        output.truncate(to: start)
    }

    /// Tells a session that it broke the protocol; it ends once it has been told.
    mutating func fault(_ session: Session, _ error: RlimitError, id: UInt64 = 0) {
        answerGets(of: session)
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
        releaseAll(of: session)
    }

    /// `fault`, for one that waits for the rest of a frame.
    mutating func timeOut(_ session: Session) {
        let start = output.count
        fault(session, RlimitError(.malformed, message: "a frame was not whole within \(Session.frameTime)"))
        _ = try? sendNow(from: start, to: session)
    }
}

/// What one session is sent at the end of a turn.
struct Letter {
    let session: Session
    /// A piece of the desk's output.
    var text = 0..<0
    /// Gets whose answers are written when it is sent.
    var gets = 0..<0
    /// Its peer cannot be reached any more.
    var isLost = false

    init(_ session: Session) { self.session = session }
}

// Replies to bytes.
extension Desk {
    // False: the peer has not taken all of it yet.
    private func sendLeftovers(of session: Session) throws(SystemError) -> Bool {
        guard let unsent = session.unsent else { return true }
        while !unsent.bytes.isEmpty {
            guard
                let count = try unsafe unsent.bytes.withUnsafeBytes({ bytes throws(SystemError) in
                    unsafe try session.socket.send(bytes)
                })
            else { return false }
            unsent.bytes.consume(count)
        }
        session.unsent = nil
        return true
    }

    // One send for all responses of the turn. False: some of it moved to the session.
    private func send(_ range: Range<Int>, to session: Session) throws(SystemError) -> Bool {
        guard !range.isEmpty else { return session.unsent == nil }
        return try unsafe output.withUnsafeBytes { output throws(SystemError) in
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: output[range])
            // What is left from earlier comes first.
            let count = session.unsent == nil ? try unsafe session.socket.send(bytes) ?? 0 : 0
            if count == bytes.count { return true }
            let unsent = session.unsent ?? Leftover()
            unsafe unsent.bytes.append(UnsafeRawBufferPointer(rebasing: bytes[count...]))
            session.unsent = unsent
            return false
        }
    }

    private mutating func sendGets(_ letter: Letter) throws(SystemError) -> Bool {
        let start = output.count
        answer(letter.gets, of: letter.session)
        defer { output.truncate(to: start) }
        return try send(start..<output.count, to: letter.session)
    }

    /// Sends what was written to `output` from `start` on, which is nobody else's.
    mutating func sendNow(from start: Int, to session: Session) throws(SystemError) {
        defer { output.truncate(to: start) }
        _ = try send(start..<output.count, to: session)
    }
}
