import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// One open connection to the agent for any number of concurrent threads.
///
/// It has no thread of its own: one of the waiting threads receives for all of them. A response is matched with its
/// request by id. Responses to requests that no longer wait are ignored.
final class BlockingConnection: Connection, @unchecked Sendable {
    private let socket: StreamSocket
    private let agentSocket: AgentSocket
    // Whether `closeReason` is set, for readers without the lock.
    private let closedFlag = Atomic(false)
    let naming = KnownNaming()
    // The lock guards the following state, except the state of the sender and of the receiver. No access to it happens
    // during another access to the same property, so the dynamic exclusivity check of every call is not needed.
    private let lock = ConditionLock()
    @safe @exclusivity(unchecked) private var closeReason: RlimitError?
    @safe @exclusivity(unchecked) private var lastID: UInt64 = 0
    @safe @exclusivity(unchecked) private var replies = ReplyTable()
    @safe @exclusivity(unchecked) private var isReceiving = false
    @safe @exclusivity(unchecked) private var isSending = false
    // Of the sender.
    @safe @exclusivity(unchecked) private var output = SendBuffer()
    // Of the receiver; of the thread with the lock while no thread receives.
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

    /// Nothing to do: the connection closes when the last call on it releases it.
    func closeWhenIdle() {}

    /// Sends one request and waits for its response.
    ///
    /// - Throws: The agent's error; `.deadlineExceeded`; `.malformed` if the peer violates the protocol.
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

    /// Sends one request without a deadline for the agent, and without waiting for the response.
    func post(_ request: AgentRequest, until deadline: MonotonicDeadline) {
        lock.lock()
        defer { lock.unlock() }
        guard let id = (try? beginSending(until: deadline)) ?? nil else { return }
        _ = try? transmit(request, as: id, until: deadline, nil)
        replies.remove(id)
    }

    // Returns why the connection was lost. Throws a more specific reason, such as an error of the agent.
    private func connectionLossOrThrow() throws(RlimitError) -> RlimitError {
        let reason = closeReason ?? .connectionLost(agentSocket, "it ended")
        guard reason.code == .connectionLost else { throw reason }
        return reason
    }
}

// MARK: - Sending: one sender at a time. Called with the lock, and returns with it.
extension BlockingConnection {
    // Returns the id of the request, or nil if the connection has ended.
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

    // Returns true after the kernel has taken the whole frame, and false if the connection ended before. An idle
    // connection that the agent has closed is noticed here: send(2) fails.
    private func transmit(
        _ request: AgentRequest, as id: UInt64, until deadline: MonotonicDeadline, _ remaining: UInt64?
    ) throws(RlimitError) -> Bool {
        defer {
            output.removeAll()
            isSending = false
            lock.broadcast()
        }
        if remaining == 0 { throw .timedOut(agentSocket) }
        try output.append(request, id: id, remaining: remaining)
        let frameLength = output.count
        do throws(SystemError) {
            if try sendAll(with: request.process, until: deadline) { return true }
        } catch {
            // An error that the agent sent before it closed is more specific than the closing.
            if !isReceiving { receiveAvailable() }
            fail(.connectionLost(agentSocket, error.description))
            return false
        }
        if output.count < frameLength {
            // The rest of the frame cannot be sent in time, and the sent part cannot be revoked.
            socket.shutDown()
            fail(.connectionLost(agentSocket, "the deadline cut off a request"))
        }
        throw .timedOut(agentSocket)
    }

    // Returns false if the deadline passed first. Releases the lock while it waits for room.
    private func sendAll(with process: PinnedProcess?, until deadline: MonotonicDeadline) throws(SystemError) -> Bool {
        var process = process
        while true {
            if try output.send(through: socket, with: process) != nil {
                process = nil
                if output.isEmpty { return true }
            } else {
                lock.unlock()
                defer { lock.lock() }
                if try !socket.wait(for: .writable, until: deadline) { return false }
            }
        }
    }
}

// MARK: - Receiving: one thread for all. Called with the lock, and returns with it.
extension BlockingConnection {
    // Returns false if the connection ended before the response.
    private func awaitReply(to id: UInt64, until deadline: MonotonicDeadline, _ remaining: UInt64?) throws(RlimitError)
        -> Bool
    {
        // Reading the clock takes time; the caller has just read it.
        var remaining = remaining
        while true {
            if replies.isAnswered(id) { return true }
            if closeReason != nil { return false }
            // Ends the wait also if the agent keeps sending other responses.
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

    // Releases the lock while it waits.
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
        // Also after a timeout, so that another thread receives now.
        lock.broadcast()
    }

    private func wait(_ remaining: UInt64?) throws(SystemError) -> StreamSocket.Received {
        let polled = try poll()
        guard case .wouldBlock = polled else { return polled }
        // Not in recv(2): the kernel would wake it once more without bytes when the agent reads the request.
        guard try socket.waitForBytes(within: remaining) else { return .wouldBlock }
        return try reader.fill(from: socket)
    }

    // Polls while it pays. Written without closures, so that one poll costs little more than the system call.
    private func poll() throws(SystemError) -> StreamSocket.Received {
        guard busyPoll.shouldPoll() else { return .wouldBlock }
        var received = try reader.fill(from: socket)
        guard case .wouldBlock = received else {
            busyPoll.recordHit(afterFirst: false)
            return received
        }
        let end = SystemClock.monotonic &+ busyPoll.window
        repeat {
            // Reading the clock after each poll would make polls rarer.
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
                guard fits else { throw .partDoesNotContinue(agentSocket) }
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
