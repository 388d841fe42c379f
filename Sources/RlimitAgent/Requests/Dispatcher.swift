import RlimitKernel
import RlimitModel
import RlimitWire

/// Where sessions are served, one at a time, with what they all share.
///
/// `serve` and `deliver` are the story of a session, one turn of it: send what is left, receive, take the frames apart, answer
/// each, send. A turn reads once, answers at most `Frame.maxRequestsInFlight` requests, and begins none after `maxTimePerSession`, so no
/// session keeps the others waiting. Answers are sent once all who called were heard: a peer that is woken for one answer may
/// take the processor from the agent, and so, at worst, for each.
struct Dispatcher: ~Copyable {
    var handler: RequestHandler
    /// The time, as it was when somebody last looked; never long ago.
    var now = BootInstant.now
    /// When the session that is served was received from.
    var receivedAt = BootInstant.now
    /// How many sessions have sent the beginning of a frame and not yet its end.
    var partialFrameSessions = 0
    var decoder = RequestDecoder()
    var encoder = ResponseEncoder()
    /// How many descriptors there are for what.
    let budget: DescriptorBudget
    /// The sessions that have an errand under way, in the order in which they get their next slice.
    var longRequests: [UInt64] = []
    // What came in and what goes out within one turn; what is left of either moves to the session.
    var input = ByteQueue()
    var output = ByteQueue()
    /// The processes that sessions hold.
    var processes = ProcessCache()
    /// Ends the leases of processes.
    private var leaseMonitor: LeaseMonitor
    /// Gets that are answered once everyone was heard.
    var gets: [PendingGet] = []
    /// Where in `gets` begin those of the session that is served.
    var firstGet = 0
    /// On which processes are looked at, once for each.
    var batchNumber: UInt64 = 0
    /// Where in `output` begins what the session is sent that is served.
    var outputStart = 0
    /// Whom to send what of `output`, once everyone was heard.
    private(set) var pendingDeliveries: [PendingDelivery] = []

    /// What one read takes at most.
    static let readSize = 16 * 1024
    /// With this much to send, a turn answers no more requests.
    static let outputSize = 64 * 1024
    /// After this long, a turn answers no more requests: what the kernel shows of some processes takes it many milliseconds.
    /// In nanoseconds.
    static let maxTimePerSession: UInt64 = 500_000

    init(handler: consuming RequestHandler, budget: DescriptorBudget, leaseMonitor: consuming LeaseMonitor) {
        self.leaseMonitor = leaseMonitor
        self.handler = handler
        self.budget = budget
        gets.reserveCapacity(Frame.maxRequestsInFlight)
    }

    /// There is much to send already, or room is to be made first.
    var isFull: Bool {
        output.count >= Self.outputSize || gets.count >= 4 * Frame.maxRequestsInFlight || processes.isOverCapacity
    }

    /// The first half of a session's turn: what it sent is received and answered. The answers lie in `output` until `deliver`.
    mutating func processInput(of session: Session) { _ = processInput(of: session, onlyIfReady: false) }

    /// The same of one that waits for nothing but its peer's next request. False: nothing has come.
    mutating func processInputIfReady(of session: Session) -> Bool { processInput(of: session, onlyIfReady: true) }

    private mutating func processInput(of session: Session, onlyIfReady: Bool) -> Bool {
        outputStart = output.count
        firstGet = gets.count
        var delivery = PendingDelivery(session)
        do throws(SystemError) {
            if try sendUnsent(of: session), !session.isClosing, !session.isReadingPaused {
                receivedAt = now
                session.hasReachedEOF = try receive(from: session)
                if onlyIfReady, input.isEmpty, !session.hasReachedEOF, !session.isClosing { return false }
                processFrames(of: session)
            }
        } catch {
            // The peer is gone, so nobody is left to be told.
            gets.removeSubrange(firstGet...)
            input.removeAll()
            output.truncate(to: outputStart)
            delivery.hasFailed = true
        }
        delivery.bytes = outputStart..<output.count
        delivery.gets = firstGet..<gets.count
        pendingDeliveries.append(delivery)
        return true
    }

    /// The second half: the answers are sent.
    mutating func deliver(_ delivery: PendingDelivery) -> Session.NextStep {
        let session = delivery.session
        guard !delivery.hasFailed else { return .close }
        do throws(SystemError) {
            // A letter is either.
            guard try delivery.gets.isEmpty ? send(delivery.bytes, to: session) : sendGets(delivery) else {
                return .write
            }
            if session.isClosing || session.hasReachedEOF && session.longRequest == nil { return .close }
            return session.isReadingPaused ? .wait : session.hasCompleteFrames ? .continueProcessing : .read
        } catch {
            return .close
        }
    }

    /// All letters were delivered.
    mutating func clear() {
        pendingDeliveries.removeAll(keepingCapacity: true)
        gets.removeAll(keepingCapacity: true)
        output.removeAll()
    }

    /// Tells somebody why it is not served, as far as its socket takes it.
    mutating func reject(_ socket: borrowing StreamSocket, _ error: RlimitError) {
        let start = output.count
        encoder.encode(Response(id: 0, .failure(error)), into: &output)
        _ = unsafe output.withUnsafeBytes { bytes in
            unsafe try? socket.send(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        output.truncate(to: start)
    }

    /// Tells a session that it broke the protocol; it ends once it has been told.
    mutating func failSession(_ session: Session, _ error: RlimitError, id: UInt64 = 0) {
        flushGets(of: session)
        encoder.encode(Response(id: id, .failure(error)), into: &output)
        handler.statistics.faults += 1
        handler.audit.refused(error, to: session.peer, operation: "frame", target: nil)
        session.isClosing = true
    }

    /// A session waits for nothing any more.
    mutating func clearPartialFrame(_ session: Session) {
        if session.partialFrameSince.take() != nil { partialFrameSessions -= 1 }
    }

    /// A session has ended.
    mutating func releaseResources(of session: Session) {
        clearPartialFrame(session)
        finishLongRequest(of: session)
        releaseProcesses(of: session)
    }

    /// `fault`, for one that waits for the rest of a frame.
    mutating func timeOut(_ session: Session) {
        let start = output.count
        failSession(session, RlimitError(.malformed, message: "a frame was not whole within \(Session.frameTimeout)"))
        _ = try? sendNow(from: start, to: session)
    }
}

/// What one session is sent at the end of a turn.
struct PendingDelivery {
    let session: Session
    /// A piece of the desk's output.
    var bytes = 0..<0
    /// Gets whose answers are written when it is sent.
    var gets = 0..<0
    /// Its peer cannot be reached any more.
    var hasFailed = false

    init(_ session: Session) { self.session = session }
}

// Replies to bytes.
extension Dispatcher {
    // False: the peer has not taken all of it yet.
    private func sendUnsent(of session: Session) throws(SystemError) -> Bool {
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
            let unsent = session.unsent ?? PartialBuffer()
            unsafe unsent.bytes.append(UnsafeRawBufferPointer(rebasing: bytes[count...]))
            session.unsent = unsent
            return false
        }
    }

    private mutating func sendGets(_ delivery: PendingDelivery) throws(SystemError) -> Bool {
        let start = output.count
        encodeGets(delivery.gets, of: delivery.session)
        defer { output.truncate(to: start) }
        return try send(start..<output.count, to: delivery.session)
    }

    /// Sends what was written to `output` from `start` on, which is nobody else's.
    mutating func sendNow(from start: Int, to session: Session) throws(SystemError) {
        defer { output.truncate(to: start) }
        _ = try send(start..<output.count, to: session)
    }
}

// Leases of real processes.
extension Dispatcher {
    mutating func requester(_ session: Session) throws(RlimitError) -> LeaseRequester {
        LeaseRequester(
            session.peer, process: try peerProcess(of: session)?.birth, session: session.token, policy: handler.policy)
    }

    /// The reply to a request that lists, renews or releases leases.
    mutating func reply(aboutLeases request: Request, for session: Session) throws(RlimitError) -> Reply {
        try leaseMonitor.reply(to: request, from: try requester(session), over: session, &handler, &processes)
    }

    /// Watches the process that a lease was granted to.
    mutating func watchLeasedProcess(numbered pid: Int32) {
        guard let identity = handler.leases.leasedProcess(numbered: pid) else { return }
        leaseMonitor.update(identity, &handler.leases, &processes)
    }

    mutating func processLeaseEvents(until end: BootInstant) {
        leaseMonitor.processEvents(until: end, &handler.leases, &processes)
    }

    /// Ends the leases that last as long as this connection.
    mutating func expireLeases(of session: Session) { leaseMonitor.disconnected(session.token, &handler.leases) }

    /// Takes over the leases that the previous agent recorded.
    mutating func adoptLeases() throws(SystemError) { try leaseMonitor.adoptLeases(&handler.leases, &processes) }
}
