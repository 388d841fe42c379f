import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

/// Serves sessions, one at a time, with the state that they share.
///
/// The scheduler calls `processInput` for each session that has sent something: one read, then `process` for each
/// frame. Afterwards it calls `deliver` for each of them. Sends come last because a woken peer may preempt the agent.
///
/// A turn reads once, processes at most `Frame.maxRequestsInFlight` requests, and begins none after half a millisecond
/// (`TurnClock`). This keeps one session from delaying the others.
struct Dispatcher: ~Copyable {
    var handler: RequestHandler
    /// The processes that sessions and leases hold.
    var processes: ProcessCache
    /// Ends the leases of processes.
    private var leaseMonitor: LeaseMonitor
    /// The requests that take longer than a turn.
    var longRequests: LongRequests
    /// The responses that wait for delivery.
    var replies = ReplySender()
    /// The memory of the sessions' buffers.
    var buffers = BufferBudget()
    private var receiver = FrameReceiver()
    private var gets = GetBatch()
    private var decoder = RequestDecoder()
    var clock = TurnClock()

    init(handler: consuming RequestHandler, budget: DescriptorBudget, leaseMonitor: consuming LeaseMonitor) {
        self.leaseMonitor = leaseMonitor
        self.handler = handler
        processes = ProcessCache(budget: budget)
        longRequests = LongRequests(maxCount: budget.maxLongRequests)
    }

    /// Whether to deliver responses before serving other sessions: there are many, or descriptors have run short.
    var isFull: Bool { replies.isFull || gets.isFull || processes.isOverCapacity }

    var hasPartialFrames: Bool { receiver.partialFrameSessions > 0 }

    // MARK: A session's turn

    /// Receives and processes a session's requests. The responses wait for `deliver`.
    ///
    /// - Parameter onlyIfReady: The session waits for its peer's next request and for nothing else.
    /// - Returns: False if `onlyIfReady` and the peer has sent nothing.
    @discardableResult
    mutating func processInput(of session: Session, onlyIfReady: Bool = false) -> Bool {
        replies.beginSession()
        gets.beginSession()
        var delivery = PendingDelivery(session)
        do throws(SystemError) {
            if try replies.sendUnsent(of: session), !session.isClosing, !session.isReadingPaused,
                buffers.admit(session, handler.policy, now: clock.now)
            {
                clock.beginTurn(withFramesOf: session.hasCompleteFrames ? session.unread?.receivedAt : nil)
                if let violation = try receiver.receive(from: session) { fail(session, violation) }
                if onlyIfReady, receiver.isEmpty, !session.hasReachedEOF, !session.isClosing { return false }
                processFrames(of: session)
            }
        } catch {
            // The connection is gone, and no response can be sent.
            gets.discardSession()
            receiver.removeAll()
            replies.discardSession()
            delivery.hasFailed = true
        }
        delivery.bytes = replies.sessionBytes
        delivery.gets = gets.sessionRange
        replies.append(delivery)
        return true
    }

    private mutating func processFrames(of session: Session) {
        var position = 0
        var processed = 0
        session.hasCompleteFrames = false
        // Out of the receiver, because `process` needs the dispatcher exclusively.
        var frames = ByteQueue()
        receiver.swapInput(with: &frames)
        frames.withBytes { bytes in
            while !session.isClosing {
                do throws(RlimitError) {
                    guard let payload = try Frame.payload(in: bytes, from: position, limit: Frame.maxRequestLength)
                    else { break }
                    session.hasCompleteFrames = true
                    guard mayProcessMore(afterFrames: processed) else { break }
                    guard process(bytes.extracting(payload), of: session, at: position..<payload.upperBound) else {
                        session.isBlocked = true
                        break
                    }
                    session.hasCompleteFrames = false
                    position = payload.upperBound
                    processed += 1
                } catch {
                    fail(session, error)
                }
            }
        }
        receiver.swapInput(with: &frames)
        if let violation = receiver.keepPartialFrame(from: position, of: session, now: clock.now, &processes) {
            fail(session, violation)
        }
        session.unread?.receivedAt = clock.receivedAt
    }

    private mutating func mayProcessMore(afterFrames processed: Int) -> Bool {
        guard processed > 0 else { return true }
        guard processed < Frame.maxRequestsInFlight, replies.hasRoomForSession, !processes.isOverCapacity
        else { return false }
        return clock.hasTime(afterFrames: processed)
    }

    /// Sends the responses to one session.
    mutating func deliver(_ delivery: PendingDelivery) -> Session.NextStep {
        let session = delivery.session
        guard !delivery.hasFailed else { return .close }
        do throws(SystemError) {
            let isSent = try delivery.gets.isEmpty ? replies.send(delivery.bytes, to: session) : sendGets(of: delivery)
            buffers.update(session, now: clock.now)
            return isSent ? session.nextStep : .write
        } catch {
            return .close
        }
    }

    /// Ends an iteration in which all responses were delivered.
    mutating func finishDelivery() {
        replies.removeAll()
        gets.removeAll()
    }

    // MARK: A request's way

    // Decodes a request, admits it, resolves its target, authorizes and performs it, and encodes the response.
    //
    // False: the request must wait until the session's long request is done.
    private mutating func process(_ payload: Span<UInt8>, of session: Session, at place: Range<Int>) -> Bool {
        handler.statistics.requests += 1
        do throws(RequestFault) {
            if let get = decoder.repeatedGet(payload), enqueue(get, of: session) { return true }
            let request = try decoder.decode(payload)
            if let get = PlainGet(request), enqueue(get, of: session) { return true }
            // Responses go out in the order of the requests.
            flushGets(of: session)
            if session.longRequest != nil, request.operation.isLongRunning {
                handler.statistics.requests -= 1
                return false
            }
            let descriptor = try session.takeDescriptor(for: request, at: place)
            guard let outcome = outcome(of: request, with: descriptor, for: session) else { return true }
            if case .failure(let error) = outcome, error.code == .malformed {
                throw RequestFault(id: request.id, error: error)
            }
            replies.append(Response(id: request.id, outcome))
        } catch {
            flushGets(of: session)
            if error.error.code == .malformed {
                fail(session, error.error, id: error.id)
            } else {
                session.discardDescriptor(at: place)
                replies.append(Response(id: error.id, .failure(error.error)))
            }
        }
        return true
    }

    // nil: a long request has begun, which sends its responses later.
    private mutating func outcome(
        of request: Request, with descriptor: consuming FileDescriptor?, for session: Session, isAdmitted: Bool = false
    ) -> Result<Reply, RlimitError>? {
        do throws(RlimitError) {
            if !isAdmitted { try Admission.check(request, from: session, clock, &handler) }
            return try reply(to: request, with: descriptor, for: session).map { .success($0) }
        } catch {
            return .failure(error)
        }
    }

    // nil: a long request has begun, which sends its responses later.
    private mutating func reply(
        to request: Request, with descriptor: consuming FileDescriptor?, for session: Session
    ) throws(RlimitError) -> Reply? {
        do throws(RlimitError) {
            let target = try ResolvedTarget.resolve(request, with: descriptor, for: session, &processes, &handler)
            return try perform(request, on: target, for: session)
        } catch {
            // The process that the session named before has ended. Its pid may belong to another process now.
            guard error.code == .noSuchProcess, let pid = request.operation.namedPID,
                processes.evictNamedProcess(pid, of: session)
            else { throw error }
            let target = try ResolvedTarget.resolve(request, with: nil, for: session, &processes, &handler)
            return try perform(request, on: target, for: session)
        }
    }

    private mutating func perform(
        _ request: Request, on target: consuming ResolvedTarget, for session: Session
    ) throws(RlimitError) -> Reply? {
        switch consume target {
        case .agent: return try handler.handle(request, from: session.peer)
        case .leases:
            return try leaseMonitor.reply(to: request, from: requester(session), over: session, &handler, &processes)
        case .cgroup(let path):
            freeLongRequestSlot(for: session)
            try longRequests.begin(request, aboutCgroup: path, for: session, handler.policy, now: clock.now)
            return nil
        case .cached(let cached, let isPeer):
            return try perform(request, on: cached.process, isPeer: isPeer, for: session)
        case .received(let process, let isPeer):
            return try perform(request, on: process, isPeer: isPeer, for: session)
        }
    }

    // nil: the process has many threads, and a long request scans them.
    private mutating func perform(
        _ request: Request, on process: borrowing LinuxProcess, isPeer: Bool, for session: Session
    ) throws(RlimitError) -> Reply? {
        let requester = request.operation.isLease ? try requester(session) : nil
        // Also after an error: limits that were raised meanwhile may stay leased.
        defer { leaseMonitor.update(after: request.operation, on: process.pid, &handler.leases, &processes) }
        let reply = try handler.handle(request, from: session.peer, on: process, isPeer: isPeer, requester: requester)
        guard case .usage(_, .process) = request.operation, case .usage(let usage) = reply,
            usage.voluntaryContextSwitches == nil
        else { return reply }
        freeLongRequestSlot(for: session)
        try longRequests.begin(request, aboutThreadsOf: process, for: session, now: clock.now, &handler)
        return nil
    }

    private mutating func requester(_ session: Session) throws(RlimitError) -> LeaseRequester {
        let birth = try processes.peerProcess(of: session)?.birth
        return LeaseRequester(session.peer, process: birth, session: session.token, policy: handler.policy)
    }

    // MARK: Leases

    mutating func processLeaseEvents(until end: BootInstant) {
        leaseMonitor.processEvents(until: end, &handler.leases, &processes)
    }

    /// Ends the leases that last as long as this connection.
    mutating func expireLeases(of session: Session) { leaseMonitor.disconnected(session.token, &handler.leases) }
    mutating func adoptLeases() throws(SystemError) { try leaseMonitor.adoptLeases(&handler.leases, &processes) }

    // MARK: Gets of one limit, the most frequent request

    // Reads the limit that a get asks for, and defers the response. False: it must be processed like any other request.
    private mutating func enqueue(_ get: PlainGet, of session: Session) -> Bool {
        // A deferred response goes out after all encoded ones, so none may be encoded before it.
        guard session.receivedDescriptor == nil, replies.isSessionEmpty,
            let pending = GetBatch.read(get, of: session, &processes)
        else { return false }
        // Last, and with its own response, so that no request is counted twice.
        do throws(RlimitError) {
            try Admission.checkRate(from: session, timeout: get.timeout, clock, &handler)
            gets.append(pending)
        } catch {
            flushGets(of: session)
            replies.append(Response(id: get.id, .failure(error)))
        }
        return true
    }

    // Answers the session's deferred gets now.
    private mutating func flushGets(of session: Session) {
        guard !gets.isSessionEmpty else { return }
        gets.beginLook()
        answerGets(gets.sessionRange, of: session)
        gets.discardSession()
    }

    /// Begins the look at processes that all deliveries of an iteration share.
    mutating func beginDelivery() { gets.beginLook() }

    private mutating func sendGets(of delivery: PendingDelivery) throws(SystemError) -> Bool {
        let start = replies.end
        answerGets(delivery.gets, of: delivery.session)
        return try replies.sendNow(from: start, to: delivery.session)
    }

    private mutating func answerGets(_ places: Range<Int>, of session: Session) {
        for place in places {
            let pending = gets[place]
            if let identity = pending.process.identity(inBatch: gets.number) {
                GetBatch.answer(pending, of: session, identity, &handler, &replies)
            } else if let outcome = outcome(of: pending.get.request, with: nil, for: session, isAdmitted: true) {
                // The process has ended, and its pid may belong to another one.
                replies.append(Response(id: pending.get.id, outcome))
            }
        }
    }

    // MARK: The ends of sessions

    /// Answers a protocol violation. The session ends once the response is sent.
    mutating func fail(_ session: Session, _ error: RlimitError, id: UInt64 = 0) {
        flushGets(of: session)
        replies.append(Response(id: id, .failure(error)))
        handler.statistics.faults += 1
        handler.audit.refused(error, to: session.peer, of: session.tenantUsage.tenant, operation: "frame")
        session.isClosing = true
    }

    /// Releases what an ended session holds.
    mutating func releaseResources(of session: Session) {
        receiver.clearPartialFrame(of: session)
        longRequests.finish(for: session, &handler)
        processes.releaseProcesses(of: session)
        (session.unread, session.unsent) = (nil, nil)
        session.receivedDescriptor = nil
        buffers.endWait(of: session, now: clock.now)
        buffers.update(session, now: clock.now)
        buffers.measure(session, now: clock.now)
    }
}
