import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// One open connection to the agent, on which any number of threads ask at once.
///
/// There is no thread behind it: of those who wait, one receives for all. Each answer finds its request by id; answers to
/// requests that nobody waits for any more are dropped.
final class BlockingConnection: Connection, @unchecked Sendable {
    private let socket: StreamSocket
    private let agentSocket: AgentSocket
    // Whether `closeReason` is there, for those who do not hold the lock.
    private let closedFlag = Atomic(false)
    // What follows is touched only while this is locked, but for what belongs to the sender and to the receiver. Nothing of
    // it is ever accessed from within an access to the same, so that this need not be looked for in every call.
    private let lock = ConditionLock()
    @safe @exclusivity(unchecked) private var closeReason: RlimitError?
    @safe @exclusivity(unchecked) private var lastID: UInt64 = 0
    @safe @exclusivity(unchecked) private var replies = ReplyTable()
    @safe @exclusivity(unchecked) private var isReceiving = false
    @safe @exclusivity(unchecked) private var isSending = false
    // The sender's.
    @safe @exclusivity(unchecked) private var encoder = RequestEncoder()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // The receiver's; also whose who holds the lock while nobody receives.
    @safe @exclusivity(unchecked) private var reader: ReplyReader
    @safe @exclusivity(unchecked) private var busyPoll: BusyPoll

    init(_ socket: consuming StreamSocket, at agentSocket: AgentSocket, busyPolling: Duration = .zero) {
        self.socket = socket
        self.agentSocket = agentSocket
        reader = ReplyReader(room: 4096, from: agentSocket)
        busyPoll = busyPolling > .zero ? BusyPoll(upTo: busyPolling) : .off
    }

    var descriptor: Int32 { socket.descriptor.number }

    var isClosed: Bool { closedFlag.load(ordering: .acquiring) }

    /// It closes when the last caller is done with it.
    func closeWhenIdle() {}

    /// Sends one request and waits for its answer.
    ///
    /// - Throws: What the agent answered; `.deadlineExceeded`; `.malformed` where it is no agent that answers.
    func exchange<Call: AgentCall>(
        _ call: Call, until deadline: MonotonicDeadline
    ) throws(RlimitError) -> Result<Call.Value?, ExchangeFailure> {
        lock.lock()
        defer { lock.unlock() }
        guard let id = try beginSending(until: deadline) else { return .failure(.unsent(try connectionLossOrThrow())) }
        defer { replies.remove(id) }
        let remaining = deadline.remaining
        guard try transmit(call.request, as: id, until: deadline, remaining) else {
            return .failure(.unsent(try connectionLossOrThrow()))
        }
        guard try awaitReply(to: id, until: deadline, remaining) else {
            return .failure(.unanswered(try connectionLossOrThrow()))
        }
        return .success(try replies.answer(id, to: call)?.get() ?? nil)
    }

    /// Sends one request whose answer nobody waits for; the agent is to carry it out whenever it can.
    func post(_ request: AgentRequest, until deadline: MonotonicDeadline) {
        lock.lock()
        defer { lock.unlock() }
        guard let id = (try? beginSending(until: deadline)) ?? nil else { return }
        _ = try? transmit(request, as: id, until: deadline, nil)
        replies.remove(id)
    }

    // Why it ended, where that says nothing but that it did; anything more telling is thrown.
    private func connectionLossOrThrow() throws(RlimitError) -> RlimitError {
        let reason = closeReason ?? .connectionLost(agentSocket, "it ended")
        guard reason.code == .connectionLost else { throw reason }
        return reason
    }
}

// Sending: one at a time. All of it is called, and returns, while locked.
extension BlockingConnection {
    // The id of the request, or nil where the connection has ended.
    private func beginSending(until deadline: MonotonicDeadline) throws(RlimitError) -> UInt64? {
        while isSending, closeReason == nil {
            guard lock.wait(until: deadline) else { throw .timedOut(agentSocket) }
        }
        guard closeReason == nil else { return nil }
        isSending = true
        lastID += 1
        replies.insert(lastID)
        return lastID
    }

    // True once the kernel has all of the frame; false where the connection ended before. That an agent has gone away while
    // nobody was asking is noticed here: what it has closed takes nothing.
    private func transmit(
        _ request: AgentRequest, as id: UInt64, until deadline: MonotonicDeadline, _ remaining: UInt64?
    ) throws(RlimitError) -> Bool {
        defer {
            output.removeAll()
            isSending = false
            lock.broadcast()
        }
        if remaining == 0 { throw .timedOut(agentSocket) }
        try encoder.encode(
            request.operation, id: id, milliseconds: remaining.map(MonotonicDeadline.roundedUpToMilliseconds),
            isExplain: request.isExplain,
            into: &output)
        let frameLength = output.count
        do throws(SystemError) {
            if try sendAll(with: request.process?.pidfd.descriptor.number, until: deadline) { return true }
        } catch {
            // What the agent said before it closed tells more than that it closed.
            if !isReceiving { receiveAvailable() }
            fail(.connectionLost(agentSocket, error.description))
            return false
        }
        if output.count < frameLength {
            // Half a frame can be neither completed in time nor taken back.
            socket.shutDown()
            fail(.connectionLost(agentSocket, "a request was cut off"))
        }
        throw .timedOut(agentSocket)
    }

    // False when the deadline passed first. Not locked while it waits for room.
    private func sendAll(with pidfd: Int32?, until deadline: MonotonicDeadline) throws(SystemError) -> Bool {
        var pidfd = pidfd
        while true {
            if let count = try output.send(through: socket, with: pidfd) {
                pidfd = nil
                output.consume(count)
                if output.isEmpty { return true }
            } else {
                lock.unlock()
                defer { lock.lock() }
                if try !socket.wait(for: .writable, until: deadline) { return false }
            }
        }
    }
}

// Receiving: one for all. All of it is called, and returns, while locked.
extension BlockingConnection {
    // False where the connection ended before.
    private func awaitReply(to id: UInt64, until deadline: MonotonicDeadline, _ remaining: UInt64?) throws(RlimitError)
        -> Bool
    {
        // To ask what time it is takes its own time; the first time it was just asked.
        var remaining = remaining
        while true {
            if replies.isAnswered(id) { return true }
            if closeReason != nil { return false }
            // Also where the agent keeps sending, but not this.
            if remaining == 0 { throw .timedOut(agentSocket) }
            if !isReceiving {
                receiveForAll(remaining)
                if replies.isAnswered(id) { return true }
            } else if !lock.wait(until: deadline), !replies.isAnswered(id) {
                throw .timedOut(agentSocket)
            }
            remaining = deadline.remaining
        }
    }

    // Not locked while it waits.
    private func receiveForAll(_ remaining: UInt64?) {
        isReceiving = true
        lock.unlock()
        var received = StreamSocket.Received.wouldBlock
        var failure: SystemError?
        do throws(SystemError) {
            received = try wait(remaining)
        } catch {
            failure = error
        }
        lock.lock()
        isReceiving = false
        if let failure { fail(.connectionLost(agentSocket, failure.description)) } else { deliver(received) }
        // Also where our time is up: somebody else must receive now.
        lock.broadcast()
    }

    private func wait(_ remaining: UInt64?) throws(SystemError) -> StreamSocket.Received {
        let polled = try poll()
        guard case .wouldBlock = polled else { return polled }
        // Not in recv(2): there the kernel wakes us once more, in vain, when the agent takes what we sent.
        guard try socket.waitForBytes(within: remaining) else { return .wouldBlock }
        return try reader.fill(from: socket)
    }

    // As long as it pays. Written out, so that a look is little more than the system call.
    private func poll() throws(SystemError) -> StreamSocket.Received {
        guard busyPoll.shouldPoll() else { return .wouldBlock }
        var received = try reader.fill(from: socket)
        guard case .wouldBlock = received else {
            busyPoll.recordHit(afterFirst: false)
            return received
        }
        let end = SystemClock.monotonic &+ busyPoll.window
        repeat {
            // To look at the clock each time would make looks rarer.
            for _ in 0..<8 {
                received = try reader.fill(from: socket)
                guard case .wouldBlock = received else {
                    busyPoll.recordHit(afterFirst: true)
                    return received
                }
            }
        } while SystemClock.monotonic < end
        busyPoll.recordMiss()
        return .wouldBlock
    }

    private func receiveAvailable() {
        do throws(SystemError) {
            deliver(try reader.fill(from: socket))
        } catch {
            fail(.connectionLost(agentSocket, error.description))
        }
    }

    private func deliver(_ received: StreamSocket.Received) {
        do throws(RlimitError) {
            while true {
                let fits: Bool
                switch try reader.next() {
                case .repeated(let id): fits = replies.add(reader.repeatedLimits, of: id)
                case .response: fits = if let response = reader.takeResponse() { replies.add(response) } else { true }
                case .incomplete:
                    if received == .end { fail(.connectionLost(agentSocket, "it was closed")) }
                    return
                }
                guard fits else { throw .protocolViolation(agentSocket, "an answer in parts that do not fit") }
            }
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: RlimitError) {
        guard closeReason == nil else { return }
        closeReason = error
        closedFlag.store(true, ordering: .releasing)
        lock.broadcast()
    }
}

extension ByteQueue {
    /// How much of it was taken; nil where there is no room now. A descriptor goes along with the first byte.
    func send(through socket: borrowing StreamSocket, with pidfd: Int32?) throws(SystemError) -> Int? {
        try unsafe withUnsafeBytes { bytes throws(SystemError) -> Int? in
            guard let pidfd else { return try unsafe socket.send(bytes) }
            return try unsafe socket.send(bytes, with: pidfd)
        }
    }
}
