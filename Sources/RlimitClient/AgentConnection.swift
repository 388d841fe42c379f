import RlimitKernel
import RlimitModel
import RlimitWire

/// One open connection to the agent, on which any number of threads ask at once.
///
/// There is no thread behind it: of those who wait, one receives for all. Each answer finds its request by id; answers to
/// requests that nobody waits for any more are dropped.
final class AgentConnection: Connection, @unchecked Sendable {
    private let socket: StreamSocket
    private let place: AgentSocket
    // What follows is touched only while this is locked, but for what belongs to the sender and to the receiver.
    private let monitor = Monitor()
    private var ending: RlimitError?
    private var lastID: UInt64 = 0
    private var waiting = ReplyTable()
    private var isReceiving = false
    private var isSending = false
    // The sender's.
    private var encoder = RequestEncoder()
    private var output = ByteQueue()
    // The receiver's; also whose who holds the lock while nobody receives.
    private var reader: ReplyReader
    private var pace: BusyPoll

    init(_ socket: consuming StreamSocket, at place: AgentSocket, busyPolling: Duration = .zero) {
        self.socket = socket
        self.place = place
        reader = ReplyReader(room: 4096, from: place)
        pace = busyPolling > .zero ? BusyPoll(upTo: busyPolling) : .off
    }

    var descriptor: Int32 { socket.descriptor.number }

    var hasEnded: Bool { monitor.locked { ending != nil } }

    /// It closes when the last caller is done with it.
    func letGo() {}

    /// Sends one request and waits for its answer.
    ///
    /// - Throws: What the agent answered; `.deadlineExceeded`; `.malformed` where it is no agent that answers.
    func exchange(_ inquiry: Inquiry, until deadline: Deadline) throws(RlimitError) -> Outcome {
        guard let id = try beginSending(until: deadline) else { return .unsent(try lostOrThrow()) }
        let left = deadline.left
        var isSent = false
        var failure: RlimitError?
        do throws(RlimitError) {
            isSent = try transmit(inquiry, as: id, until: deadline, left)
        } catch {
            failure = error
        }
        monitor.lock()
        defer {
            waiting.remove(id)
            monitor.unlock()
        }
        isSending = false
        monitor.wakeAll()
        if let failure { throw failure }
        return isSent ? try awaitReply(to: id, until: deadline, left) : .unsent(try lostOrThrow(ending))
    }

    /// Sends one request whose answer nobody waits for; the agent is to carry it out whenever it can.
    func post(_ inquiry: Inquiry, until deadline: Deadline) {
        guard let id = (try? beginSending(until: deadline)) ?? nil else { return }
        _ = try? transmit(inquiry, as: id, until: deadline, nil)
        monitor.locked {
            waiting.remove(id)
            isSending = false
            monitor.wakeAll()
        }
    }

    // Why it ended, where that says nothing but that it did; anything more telling is thrown.
    private func lostOrThrow(_ ending: RlimitError?) throws(RlimitError) -> RlimitError {
        let reason = ending ?? .lost(place, "it ended")
        guard reason.code == .connectionLost else { throw reason }
        return reason
    }

    private func lostOrThrow() throws(RlimitError) -> RlimitError {
        try lostOrThrow(monitor.locked { ending })
    }
}

// Sending: one at a time.
extension AgentConnection {
    // The id of the request, or nil where the connection has ended.
    private func beginSending(until deadline: Deadline) throws(RlimitError) -> UInt64? {
        monitor.lock()
        defer { monitor.unlock() }
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
        defer { output.removeAll() }
        if left == 0 { throw .late(place) }
        let request = Request(
            id: id, timeout: left.map { .nanoseconds($0) }, isQuestion: inquiry.isQuestion, inquiry.operation)
        try encoder.encode(request, into: &output)
        let whole = output.count
        do throws(SystemError) {
            if try sendAll(with: inquiry.process?.pidfd.descriptor.number, until: deadline) { return true }
        } catch {
            monitor.locked {
                // What the agent said before it closed tells more than that it closed.
                if !isReceiving { receiveWhatIsThere() }
                end(.lost(place, error.description))
            }
            return false
        }
        if output.count < whole {
            // Half a frame can be neither completed in time nor taken back.
            socket.shutDown()
            monitor.locked { end(.lost(place, "a request was cut off")) }
        }
        throw .late(place)
    }

    // False when the deadline passed first.
    private func sendAll(with pidfd: Int32?, until deadline: Deadline) throws(SystemError) -> Bool {
        var pidfd = pidfd
        while !output.isEmpty {
            if let count = try output.send(through: socket, with: pidfd) {
                pidfd = nil
                output.consume(count)
            } else if try !socket.wait(for: .writable, until: deadline) {
                return false
            }
        }
        return true
    }
}

// Receiving: one for all. All of it is called, and returns, while locked.
extension AgentConnection {
    private func awaitReply(
        to id: UInt64, until deadline: Deadline, _ left: UInt64?
    ) throws(RlimitError) -> Outcome {
        // To ask what time it is takes its own time; the first time it was just asked.
        var left = left
        while true {
            if let result = waiting.result(of: id) { return .reply(try result.get()) }
            if let ending { return .unanswered(try lostOrThrow(ending)) }
            // Also where the agent keeps sending, but not this.
            if left == 0 { throw .late(place) }
            if !isReceiving {
                receiveForAll(left)
                if let result = waiting.result(of: id) { return .reply(try result.get()) }
            } else if !monitor.wait(until: deadline), waiting.result(of: id) == nil {
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
        var received = StreamSocket.Received.wouldBlock
        let isThere = try pace.poll { () throws(SystemError) in
            received = try reader.fill(from: socket)
            return received != .wouldBlock
        }
        if isThere { return received }
        // By poll(2): a read(2) that sleeps is woken in vain when the agent takes the request out of the socket, for there is
        // room to write then, and may take the processor from the agent for that.
        guard try socket.waitForBytes(within: left) else { return .wouldBlock }
        return try reader.fill(from: socket)
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
            while let response = try reader.next() {
                guard waiting.take(response) else { throw .noAgent(place, "an answer in parts that do not fit") }
            }
        } catch {
            return end(error)
        }
        if received == .end { end(.lost(place, "it was closed")) }
    }

    private func end(_ error: RlimitError) {
        guard ending == nil else { return }
        ending = error
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
