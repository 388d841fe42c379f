import RlimitKernel
import RlimitModel
import RlimitWire

/// One open connection to the agent, on which any number of threads ask at once.
///
/// There is no thread behind it: of those who wait, one receives for all. Each answer finds its request by id; answers to
/// requests that nobody waits for any more are dropped.
final class AgentConnection: @unchecked Sendable {
    private let socket: StreamSocket
    private let place: AgentSocket
    // Everything below is touched only while this is locked, but for `encoder` and `output`, which belong to the sender.
    private let monitor = Monitor()
    private var ending: RlimitError?
    private var lastID: UInt64 = 0
    private var waiting: [UInt64: PendingReply] = [:]
    private var isReceiving = false
    private var decoder = ResponseDecoder()
    private var input = ByteQueue()
    private var isSending = false
    private var encoder = RequestEncoder()
    private var output = ByteQueue()

    init(_ socket: consuming StreamSocket, at place: AgentSocket) {
        self.socket = socket
        self.place = place
    }

    /// The number of its descriptor.
    var descriptor: Int32 { socket.descriptor.number }

    /// Whether it takes no more requests.
    var hasEnded: Bool { monitor.locked { ending != nil } }

    /// What came of a request.
    enum Outcome {
        case reply(Reply)
        /// The connection ended before the agent had all of it: it cannot have acted.
        case unsent(RlimitError)
        /// The connection ended before the answer came: the agent may have acted.
        case unanswered(RlimitError)
    }

    /// Sends one request and waits for its answer.
    ///
    /// - Parameters:
    ///   - pidfd: The descriptor to send along, for a request that speaks of one.
    /// - Throws: What the agent answered; `.deadlineExceeded`; `.malformed` where it is no agent that answers.
    func exchange(
        _ operation: Request.Operation, isQuestion: Bool, pidfd: Int32?, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> Outcome {
        guard let id = try beginSending(until: deadline) else { return .unsent(try lostOrThrow()) }
        var isSent = false
        do throws(RlimitError) {
            defer { endSending() }
            let left = deadline.map { ContinuousClock.now.duration(to: $0) }
            let request = Request(id: id, timeout: left, isQuestion: isQuestion, operation)
            isSent = try transmit(request, pidfd: pidfd, until: deadline)
        } catch {
            monitor.locked { waiting[id] = nil }
            throw error
        }
        guard isSent else {
            monitor.locked { waiting[id] = nil }
            return .unsent(try lostOrThrow())
        }
        return try awaitReply(to: id, until: deadline)
    }

    // Why it ended, where that says nothing but that it did; anything more telling is thrown.
    private func lostOrThrow() throws(RlimitError) -> RlimitError {
        let reason = monitor.locked { ending } ?? lost("it ended")
        guard reason.code == .connectionLost else { throw reason }
        return reason
    }
}

// Sending: one at a time.
extension AgentConnection {
    // The id of the request, or nil where the connection has ended.
    private func beginSending(until deadline: ContinuousClock.Instant?) throws(RlimitError) -> UInt64? {
        monitor.lock()
        defer { monitor.unlock() }
        while isSending, ending == nil {
            guard monitor.wait(until: deadline) else { throw late }
        }
        // An agent that went away while nobody was asking is noticed here, before anything is entrusted to it.
        if ending == nil, waiting.isEmpty { receiveWhatIsThere() }
        guard ending == nil else { return nil }
        isSending = true
        lastID += 1
        waiting[lastID] = PendingReply()
        return lastID
    }

    private func endSending() {
        monitor.locked {
            isSending = false
            monitor.wakeAll()
        }
    }

    // True once the kernel has all of the frame; false where the connection ended before.
    private func transmit(
        _ request: Request, pidfd: Int32?, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> Bool {
        defer { output.removeAll() }
        try encoder.encode(request, into: &output)
        let whole = output.count
        do throws(SystemError) {
            if try sendAll(with: pidfd, until: deadline) { return true }
        } catch {
            monitor.locked {
                // What the agent said before it closed tells more than that it closed.
                if !isReceiving { receiveWhatIsThere() }
                end(lost(error.description))
            }
            return false
        }
        if output.count < whole {
            // Half a frame can be neither completed in time nor taken back.
            socket.shutDown()
            monitor.locked { end(lost("a request was cut off")) }
        }
        throw late
    }

    // False when the deadline passed first.
    private func sendAll(with pidfd: Int32?, until deadline: ContinuousClock.Instant?) throws(SystemError) -> Bool {
        var pidfd = pidfd
        while !output.isEmpty {
            if let count = try sendOnce(with: pidfd) {
                pidfd = nil
                output.consume(count)
            } else if try !socket.wait(for: .writable, until: deadline) {
                return false
            }
        }
        return true
    }

    private func sendOnce(with pidfd: Int32?) throws(SystemError) -> Int? {
        try unsafe output.withUnsafeBytes { bytes throws(SystemError) -> Int? in
            guard let pidfd else { return try unsafe socket.send(bytes) }
            return try unsafe socket.send(bytes, with: pidfd)
        }
    }
}

// Receiving: one for all.
extension AgentConnection {
    private func awaitReply(to id: UInt64, until deadline: ContinuousClock.Instant?) throws(RlimitError) -> Outcome {
        monitor.lock()
        defer {
            waiting[id] = nil
            monitor.unlock()
        }
        while true {
            if let result = waiting[id]?.result { return .reply(try result.get()) }
            if let ending {
                guard ending.code == .connectionLost else { throw ending }
                return .unanswered(ending)
            }
            // Also where the agent keeps sending, but not this.
            if let deadline, deadline <= .now { throw late }
            let isInTime = isReceiving ? monitor.wait(until: deadline) : receiveForAll(until: deadline)
            if !isInTime, waiting[id]?.result == nil { throw late }
        }
    }

    // Locked before and after, and not while it waits.
    private func receiveForAll(until deadline: ContinuousClock.Instant?) -> Bool {
        isReceiving = true
        monitor.unlock()
        var isReadable = true
        var failure: SystemError?
        do throws(SystemError) {
            isReadable = try socket.wait(for: .readable, until: deadline)
        } catch {
            failure = error
        }
        monitor.lock()
        isReceiving = false
        if let failure {
            end(lost(failure.description))
        } else if isReadable {
            receiveWhatIsThere()
        }
        // Also where our time is up: somebody else must receive now.
        monitor.wakeAll()
        return isReadable
    }

    private func receiveWhatIsThere() {
        var received = StreamSocket.Received.wouldBlock
        do throws(SystemError) {
            try unsafe input.write(upTo: 4096) { space throws(SystemError) -> Int in
                received = try unsafe socket.receive(into: space)
                if case .bytes(let count) = received { return count }
                return 0
            }
        } catch {
            return end(lost(error.description))
        }
        do throws(RlimitError) {
            while let response = try nextResponse() { try deliver(response) }
        } catch {
            return end(error)
        }
        if received == .end { end(lost("it was closed")) }
    }

    private func nextResponse() throws(RlimitError) -> Response? {
        do throws(RlimitError) {
            let payload = try input.withBytes { bytes throws(RlimitError) in
                try Frame.payload(in: bytes, from: 0, limit: Frame.greatestResponse)
            }
            guard let payload else { return nil }
            defer { input.consume(payload.upperBound) }
            return try input.withBytes { bytes throws(RlimitError) in try decoder.decode(bytes.extracting(payload)) }
        } catch {
            throw noAgent(error.message)
        }
    }

    private func deliver(_ response: Response) throws(RlimitError) {
        guard response.id != 0 else {
            // It is about the connection, which the agent is going to close.
            if case .failure(let error) = response.outcome { throw error }
            throw noAgent("an answer to nothing")
        }
        guard waiting[response.id] != nil else { return }
        guard waiting[response.id]?.take(response) == true else { throw noAgent("an answer in parts that do not fit") }
    }

    private func end(_ error: RlimitError) {
        guard ending == nil else { return }
        ending = error
        monitor.wakeAll()
    }

    private var late: RlimitError {
        RlimitError(.deadlineExceeded, message: "no answer in time from the agent at \(place)")
    }

    private func lost(_ why: String) -> RlimitError {
        RlimitError(.connectionLost, message: "the connection to the agent at \(place) was lost: \(why)")
    }

    private func noAgent(_ why: String) -> RlimitError {
        RlimitError(.malformed, message: "what answers at \(place) does not speak the rlimitd protocol: \(why)")
    }
}
