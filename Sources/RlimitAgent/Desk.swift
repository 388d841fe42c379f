import RlimitKernel
import RlimitModel
import RlimitWire

/// Where sessions are served, one at a time, with what they all share.
///
/// `serve` is the story of a session, one turn of it: send what is left, receive, take the frames apart, answer each, send.
/// A turn reads once and answers at most `Frame.requestsInFlight` requests, so no session keeps the others waiting.
final class Desk {
    var handler: RequestHandler
    /// The time of this turn of the loop.
    var now = ContinuousClock.now
    /// How many sessions have sent the beginning of a frame and not yet its end.
    private(set) var waitingSessions = 0
    private var decoder = RequestDecoder()
    private var encoder = ResponseEncoder()
    // What came in and what goes out within one turn; what is left of either moves to the session.
    private var input = ByteQueue()
    private var output = ByteQueue()

    /// What one read takes at most.
    private static let readSize = 16 * 1024
    /// With this much to send, a turn answers no more requests.
    private static let outputSize = 64 * 1024

    init(handler: consuming RequestHandler) { self.handler = handler }

    func serve(_ session: Session) -> Session.Fate {
        do throws(SystemError) {
            guard try sendLeftovers(of: session) else { return .writes }
            if session.isEnding { return .ends }
            let isOver = try receive(from: session)
            answerFrames(of: session)
            guard try send(to: session) else { return .writes }
            if isOver || session.isEnding { return .ends }
            return session.hasWholeFrames ? .hasMore : .reads
        } catch {
            // The peer is gone, so nobody is left to be told.
            input.removeAll()
            output.removeAll()
            return .ends
        }
    }

    /// Tells somebody why it is not served, as far as its socket takes it.
    func turnAway(_ socket: borrowing StreamSocket, _ error: RlimitError) {
        encoder.encode(Response(id: 0, .failure(error)), into: &output)
        _ = unsafe output.withUnsafeBytes { bytes in unsafe try? socket.send(bytes) }
        output.removeAll()
    }

    /// Tells a session that it broke the protocol; it ends once it has been told.
    func fault(_ session: Session, _ error: RlimitError, id: UInt64 = 0) {
        encoder.encode(Response(id: id, .failure(error)), into: &output)
        handler.statistics.faults += 1
        handler.audit.refused(error, to: session.peer, operation: "frame", target: nil)
        session.isEnding = true
    }

    /// A session has ended, or waits for nothing any more.
    func forget(_ session: Session) {
        if session.waitingSince.take() != nil { waitingSessions -= 1 }
    }

    /// `fault`, for one that waits for the rest of a frame.
    func timeOut(_ session: Session) {
        fault(session, RlimitError(.malformed, message: "a frame was not whole within \(Session.frameTime)"))
        _ = try? send(to: session)
    }
}

// Replies to bytes.
extension Desk {
    // False: the peer has not taken all of it yet.
    private func sendLeftovers(of session: Session) throws(SystemError) -> Bool {
        while !session.unsent.isEmpty {
            guard let count = try unsafe session.unsent.withUnsafeBytes({ bytes throws(SystemError) in
                unsafe try session.socket.send(bytes)
            }) else { return false }
            session.unsent.consume(count)
        }
        session.unsent.releaseIfEmpty()
        return true
    }

    // One send for all responses of the turn. False: some of it moved to the session.
    private func send(to session: Session) throws(SystemError) -> Bool {
        guard !output.isEmpty else { return true }
        let count = try unsafe output.withUnsafeBytes { bytes throws(SystemError) in unsafe try session.socket.send(bytes) }
        output.consume(count ?? 0)
        output.withBytes { session.unsent.append($0) }
        output.removeAll()
        return session.unsent.isEmpty
    }
}

// Bytes to frames.
extension Desk {
    // True: the peer sends no more.
    private func receive(from session: Session) throws(SystemError) -> Bool {
        session.unread.withBytes { input.append($0) }
        session.unread.removeAll()
        session.unread.releaseIfEmpty()
        // Whole frames that are left from the last turn come first; the kernel keeps the rest meanwhile.
        if session.hasWholeFrames { return false }
        let start = session.position + UInt64(input.count)
        guard session.mayAttach else {
            return try unsafe receiveBytes { space throws(SystemError) in unsafe try session.socket.receive(into: space) } == nil
        }
        var attached: FileDescriptor?
        var isBroken = false
        let count = try unsafe receiveBytes { space throws(SystemError) in
            switch unsafe try session.socket.receiveWithDescriptor(into: space) {
            case .bytes(let count, let descriptor):
                attached = descriptor
                return .bytes(count)
            case .wouldBlock: return .wouldBlock
            case .end: return .end
            case .fault:
                isBroken = true
                return .wouldBlock
            }
        }
        if let attached = attached.take() {
            isBroken = session.attached != nil
            session.attached = Attachment(descriptor: attached, range: start..<start + UInt64(count ?? 0))
        }
        if isBroken { fault(session, RlimitError(.malformed, message: "a frame carries at most one descriptor")) }
        return count == nil
    }

    // How many bytes came; nil at the end of the stream.
    private func receiveBytes(
        _ body: (UnsafeMutableRawBufferPointer) throws(SystemError) -> StreamSocket.Received
    ) throws(SystemError) -> Int? {
        var isOver = false
        let count = try unsafe input.write(upTo: Self.readSize) { space throws(SystemError) in
            switch unsafe try body(UnsafeMutableRawBufferPointer(rebasing: space.prefix(Self.readSize))) {
            case .bytes(let count): return count
            case .wouldBlock: return 0
            case .end:
                isOver = true
                return 0
            }
        }
        return isOver ? nil : count
    }

    private func answerFrames(of session: Session) {
        var position = 0
        var answered = 0
        session.hasWholeFrames = false
        input.withBytes { bytes in
            while !session.isEnding {
                do throws(RlimitError) {
                    guard let payload = try Frame.payload(in: bytes, from: position, limit: Frame.greatestRequest) else { break }
                    guard answered < Frame.requestsInFlight, output.count < Self.outputSize else {
                        session.hasWholeFrames = true
                        break
                    }
                    answer(bytes.extracting(payload), of: session, at: position..<payload.upperBound)
                    position = payload.upperBound
                    answered += 1
                } catch {
                    fault(session, error)
                }
            }
        }
        keepRest(from: position, of: session)
    }

    private func keepRest(from position: Int, of session: Session) {
        session.position += UInt64(position)
        if let range = session.attached?.range, session.position >= range.upperBound, !session.isEnding {
            session.attached = nil
            fault(session, RlimitError(.malformed, message: "a descriptor came that no frame asked for"))
        }
        input.consume(position)
        input.withBytes { session.unread.append($0) }
        input.removeAll()
        let waits = !session.unread.isEmpty && !session.hasWholeFrames
        if waits && session.waitingSince == nil { waitingSessions += 1 }
        if !waits { forget(session) }
        session.waitingSince = waits ? session.waitingSince ?? now : nil
    }
}

// Frames to replies.
extension Desk {
    /// The way of a request: decode, find out whom it speaks of, authorize and perform, reply.
    private func answer(_ payload: Span<UInt8>, of session: Session, at place: Range<Int>) {
        handler.statistics.requests += 1
        do throws(RequestFault) {
            let request = try decoder.decode(payload)
            let attached = try descriptor(for: request, of: session, at: place)
            let outcome = outcome(of: request, with: attached, for: session)
            encoder.encode(Response(id: request.id, outcome), into: &output)
        } catch {
            guard error.error.code == .malformed else {
                encoder.encode(Response(id: error.id, .failure(error.error)), into: &output)
                return
            }
            fault(session, error.error, id: error.id)
        }
    }

    // The descriptor that belongs to this frame, if the frame names one.
    private func descriptor(
        for request: Request, of session: Session, at place: Range<Int>
    ) throws(RequestFault) -> FileDescriptor? {
        let frame = session.position + UInt64(place.lowerBound)..<session.position + UInt64(place.upperBound)
        guard let attached = session.attached.take() else { return nil }
        guard attached.belongs(to: frame) else {
            session.attached = attached
            return nil
        }
        guard request.operation.whom == .attachedPidfd else {
            throw RequestFault(
                id: request.id, error: RlimitError(.malformed, message: "a descriptor came with a frame that names none"))
        }
        return attached.descriptor
    }

    private func outcome(
        of request: Request, with attached: consuming FileDescriptor?, for session: Session
    ) -> Result<Reply, RlimitError> {
        do throws(RlimitError) {
            try admit(request, of: session)
            guard let whom = request.operation.whom else {
                return .success(try handler.handle(request, from: session.peer))
            }
            return .success(try reply(to: request, about: whom, with: attached, for: session))
        } catch {
            return .failure(error)
        }
    }

    private func admit(_ request: Request, of session: Session) throws(RlimitError) {
        let rate = handler.policy.quota.requestsPerSecond
        if let wait = session.account.admitRequest(ratePerSecond: rate, now: now) {
            handler.statistics.refusals += 1
            throw RlimitError(
                .rateLimited, message: "more than \(rate) requests a second; try again later", retryAfter: wait)
        }
        // Everything before it in the queue was answered meanwhile.
        if let timeout = request.timeout, now.duration(to: .now) > timeout { throw RlimitError(.deadlineExceeded) }
        guard !session.peer.hasMixedIDs || request.operation == .serverInfo else {
            throw Policy.refusalOfMixedIDs
        }
    }

    // Finds the process; `handler` does the rest.
    private func reply(
        to request: Request, about whom: Request.Whom, with attached: consuming FileDescriptor?, for session: Session
    ) throws(RlimitError) -> Reply {
        switch whom {
        case .caller:
            switch session.itself {
            case .some(let itself): return try handler.handle(request, from: session.peer, on: itself, isPeer: true)
            case .none: throw RlimitError(.noSuchProcess, message: "the process that connected is not visible from the agent")
            }
        case .pid(let pid):
            guard session.peer.sharesNamespace else {
                throw RlimitError(
                    .pidfdRequired, message: "process \(pid) of which PID namespace? The caller's is not the agent's; send a pidfd")
            }
            return try withNamed(pid, of: session) { process throws(RlimitError) in
                try handler.handle(request, from: session.peer, on: process, isPeer: pid == session.peer.pid)
            }
        case .attachedPidfd:
            guard session.mayAttach else {
                throw RlimitError(
                    .deniedByPolicy, message: "no rule lets uid \(session.peer.uid) speak of other processes")
            }
            let process = try KernelProcess(attached: attached)
            return try handler.handle(
                request, from: session.peer, on: process, isPeer: process.pid == session.peer.pid)
        case .cgroup, .pod:
            throw RlimitError(.unsupported, message: "this agent does not have cgroup and pod targets yet")
        }
    }

    // The pidfd of the process last named is kept: whoever asks about one process asks again. It is let go once it ended,
    // for then the number may be another's.
    private func withNamed(
        _ pid: Int32, of session: Session, _ body: (borrowing KernelProcess) throws(RlimitError) -> Reply
    ) throws(RlimitError) -> Reply {
        if session.named?.pid != pid || session.named?.hasEnded ?? true {
            session.named = nil
            session.named = try KernelProcess(pid: pid)
        }
        switch session.named {
        case .some(let process): return try body(process)
        case .none: throw RlimitError(.noSuchProcess)
        }
    }
}

extension Request.Operation {
    /// Of which process it speaks; nil where of none.
    fileprivate var whom: Request.Whom? {
        switch self {
        case .get(let whom, _), .set(let whom, _, _), .prlimit(let whom, _, _): whom
        case .usage(let whom, _), .threadUsage(let whom, _): whom
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats: nil
        }
    }
}
