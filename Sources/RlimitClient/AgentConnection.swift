import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// One open connection to the agent, on which any number of threads ask at once.
///
/// There is no thread behind it: of those who wait, one receives for all. Each answer finds its request by id; answers to
/// requests that nobody waits for any more are dropped.
final class AgentConnection: Connection, @unchecked Sendable {
    private let socket: StreamSocket
    private let place: AgentSocket
    // Whether `ending` is there, for those who do not hold the lock.
    private let isOver = Atomic(false)
    // What follows is touched only while this is locked, but for what belongs to the sender and to the receiver. Nothing of
    // it is ever accessed from within an access to the same, so that this need not be looked for in every call.
    private let monitor = Monitor()
    @safe @exclusivity(unchecked) private var ending: RlimitError?
    @safe @exclusivity(unchecked) private var lastID: UInt64 = 0
    @safe @exclusivity(unchecked) private var waiting = ReplyTable()
    @safe @exclusivity(unchecked) private var isReceiving = false
    @safe @exclusivity(unchecked) private var isSending = false
    // The sender's.
    @safe @exclusivity(unchecked) private var encoder = RequestEncoder()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // The receiver's; also whose who holds the lock while nobody receives.
    @safe @exclusivity(unchecked) private var reader: ReplyReader
    @safe @exclusivity(unchecked) private var pace: BusyPoll

    init(_ socket: consuming StreamSocket, at place: AgentSocket, busyPolling: Duration = .zero) {
        self.socket = socket
        self.place = place
        reader = ReplyReader(room: 4096, from: place)
        pace = busyPolling > .zero ? BusyPoll(upTo: busyPolling) : .off
    }

    var descriptor: Int32 { socket.descriptor.number }

    var hasEnded: Bool { isOver.load(ordering: .acquiring) }

    /// It closes when the last caller is done with it.
    func letGo() {}

    /// Sends one request and waits for its answer.
    ///
    /// - Throws: What the agent answered; `.deadlineExceeded`; `.malformed` where it is no agent that answers.
    func exchange<Asked: Question>(
        _ question: Asked, until deadline: Deadline
    ) throws(RlimitError) -> Result<Asked.Value?, Ending> {
        monitor.lock()
        defer { monitor.unlock() }
        guard let id = try beginSending(until: deadline) else { return .failure(.unsent(try lostOrThrow())) }
        defer { waiting.remove(id) }
        let left = deadline.left
        guard try transmit(question.inquiry, as: id, until: deadline, left) else {
            return .failure(.unsent(try lostOrThrow()))
        }
        guard try awaitReply(to: id, until: deadline, left) else { return .failure(.unanswered(try lostOrThrow())) }
        return .success(try waiting.answer(id, to: question)?.get() ?? nil)
    }

    /// Sends one request whose answer nobody waits for; the agent is to carry it out whenever it can.
    func post(_ inquiry: Inquiry, until deadline: Deadline) {
        monitor.lock()
        defer { monitor.unlock() }
        guard let id = (try? beginSending(until: deadline)) ?? nil else { return }
        _ = try? transmit(inquiry, as: id, until: deadline, nil)
        waiting.remove(id)
    }

    // Why it ended, where that says nothing but that it did; anything more telling is thrown.
    private func lostOrThrow() throws(RlimitError) -> RlimitError {
        let reason = ending ?? .lost(place, "it ended")
        guard reason.code == .connectionLost else { throw reason }
        return reason
    }
}

// Sending: one at a time. All of it is called, and returns, while locked.
extension AgentConnection {
    // The id of the request, or nil where the connection has ended.
    private func beginSending(until deadline: Deadline) throws(RlimitError) -> UInt64? {
        while isSending, ending == nil {
            guard monitor.wait(until: deadline) else { throw .late(place) }
        }
        guard ending == nil else { return nil }
        isSending = true
        lastID += 1
        waiting.insert(lastID)
        return lastID
    }

    // True once the kernel has all of the frame; false where the connection ended before. That an agent has gone away while
    // nobody was asking is noticed here: what it has closed takes nothing.
    private func transmit(
        _ inquiry: Inquiry, as id: UInt64, until deadline: Deadline, _ left: UInt64?
    ) throws(RlimitError) -> Bool {
        defer {
            output.removeAll()
            isSending = false
            monitor.wakeAll()
        }
        if left == 0 { throw .late(place) }
        try encoder.encode(
            inquiry.operation, id: id, milliseconds: left.map(Deadline.milliseconds), isQuestion: inquiry.isQuestion,
            into: &output)
        let whole = output.count
        do throws(SystemError) {
            if try sendAll(with: inquiry.process?.pidfd.descriptor.number, until: deadline) { return true }
        } catch {
            // What the agent said before it closed tells more than that it closed.
            if !isReceiving { receiveWhatIsThere() }
            end(.lost(place, error.description))
            return false
        }
        if output.count < whole {
            // Half a frame can be neither completed in time nor taken back.
            socket.shutDown()
            end(.lost(place, "a request was cut off"))
        }
        throw .late(place)
    }

    // False when the deadline passed first. Not locked while it waits for room.
    private func sendAll(with pidfd: Int32?, until deadline: Deadline) throws(SystemError) -> Bool {
        var pidfd = pidfd
        while true {
            if let count = try output.send(through: socket, with: pidfd) {
                pidfd = nil
                output.consume(count)
                if output.isEmpty { return true }
            } else {
                monitor.unlock()
                defer { monitor.lock() }
                if try !socket.wait(for: .writable, until: deadline) { return false }
            }
        }
    }
}

// Receiving: one for all. All of it is called, and returns, while locked.
extension AgentConnection {
    // False where the connection ended before.
    private func awaitReply(to id: UInt64, until deadline: Deadline, _ left: UInt64?) throws(RlimitError) -> Bool {
        // To ask what time it is takes its own time; the first time it was just asked.
        var left = left
        while true {
            if waiting.isAnswered(id) { return true }
            if ending != nil { return false }
            // Also where the agent keeps sending, but not this.
            if left == 0 { throw .late(place) }
            if !isReceiving {
                receiveForAll(left)
                if waiting.isAnswered(id) { return true }
            } else if !monitor.wait(until: deadline), !waiting.isAnswered(id) {
                throw .late(place)
            }
            left = deadline.left
        }
    }

    // Not locked while it waits.
    private func receiveForAll(_ left: UInt64?) {
        isReceiving = true
        monitor.unlock()
        var received = StreamSocket.Received.wouldBlock
        var failure: SystemError?
        do throws(SystemError) {
            received = try wait(left)
        } catch {
            failure = error
        }
        monitor.lock()
        isReceiving = false
        if let failure { end(.lost(place, failure.description)) } else { deliver(received) }
        // Also where our time is up: somebody else must receive now.
        monitor.wakeAll()
    }

    private func wait(_ left: UInt64?) throws(SystemError) -> StreamSocket.Received {
        let polled = try poll()
        guard case .wouldBlock = polled else { return polled }
        // Not in recv(2): there the kernel wakes us once more, in vain, when the agent takes what we sent.
        guard try socket.waitForBytes(within: left) else { return .wouldBlock }
        return try reader.fill(from: socket)
    }

    // As long as it pays. Written out, so that a look is little more than the system call.
    private func poll() throws(SystemError) -> StreamSocket.Received {
        guard pace.shouldPoll() else { return .wouldBlock }
        var received = try reader.fill(from: socket)
        guard case .wouldBlock = received else {
            pace.found(afterFirst: false)
            return received
        }
        let end = SystemClock.monotonic &+ pace.window
        repeat {
            // To look at the clock each time would make looks rarer.
            for _ in 0..<8 {
                received = try reader.fill(from: socket)
                guard case .wouldBlock = received else {
                    pace.found(afterFirst: true)
                    return received
                }
            }
        } while SystemClock.monotonic < end
        pace.inVain()
        return .wouldBlock
    }

    private func receiveWhatIsThere() {
        do throws(SystemError) {
            deliver(try reader.fill(from: socket))
        } catch {
            end(.lost(place, error.description))
        }
    }

    private func deliver(_ received: StreamSocket.Received) {
        do throws(RlimitError) {
            while true {
                let fits: Bool
                switch try reader.next() {
                case .repeated(let id): fits = waiting.take(reader.repeatedLimits, of: id)
                case .response: fits = if let response = reader.takeResponse() { waiting.take(response) } else { true }
                case .incomplete:
                    if received == .end { end(.lost(place, "it was closed")) }
                    return
                }
                guard fits else { throw .noAgent(place, "an answer in parts that do not fit") }
            }
        } catch {
            end(error)
        }
    }

    private func end(_ error: RlimitError) {
        guard ending == nil else { return }
        ending = error
        isOver.store(true, ordering: .releasing)
        monitor.wakeAll()
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
