import RlimitKernel
import RlimitModel
import RlimitWire

/// One open connection to the agent, on which any number of tasks ask at once: pipelined, and no thread waits for an answer.
///
/// The task that begins a call sends it, or leaves it to one that is sending already: one write then carries all. The
/// reactor receives. At most as many requests as the agent takes are under way; more wait in order.
final class TaskConnection: Connection, @unchecked Sendable {
    let socket: StreamSocket
    let place: AgentSocket
    let reactor: Reactor
    /// How long the reactor is to poll before it sleeps.
    let busyPolling: Duration
    let token: UInt64
    // What follows is touched only while this is locked, but for what belongs to the sender and to the reactor.
    let monitor = Monitor()
    private var ending: RlimitError?
    private var sendFailure: SystemError?
    private var isLetGo = false
    // Sent, or being sent. The answers to those that were abandoned are still to come.
    private var sent = SentCalls()
    private var queue = CallQueue()
    private var sending = Sending.nobody
    private var isFlushDue = false
    private weak var keeper: LeaseKeeper?
    private var appendedCount: UInt64 = 0
    private var sentCount: UInt64 = 0
    // The sender's.
    private var encoder = RequestEncoder()
    private var output = ByteQueue()
    // The reactor's.
    private var reader: ReplyReader

    private enum Sending {
        case nobody, somebody
        /// There was no room; the reactor goes on when there is.
        case blocked
        /// The connection is broken; the reactor reads what the agent still had to say, and ends it.
        case broken
    }

    /// - Throws: What the reactor needs cannot be had: a thread, a descriptor.
    init(_ socket: consuming StreamSocket, at place: AgentSocket, busyPolling: Duration) throws(SystemError) {
        self.socket = socket
        self.place = place
        self.busyPolling = busyPolling
        reader = ReplyReader(room: 16384, from: place)
        reactor = try Reactor.ofThisProcess()
        token = reactor.newToken()
        try reactor.add(self)
    }

    var descriptor: Int32 { socket.descriptor.number }

    var hasEnded: Bool { monitor.locked { ending != nil || sending == .broken } }

    /// Sends one request and waits for what comes of it: `.failed` with `.cancelled` as soon as the task is cancelled, and
    /// with `.deadlineExceeded` at the deadline. An answer that comes later is dropped.
    func exchange(_ inquiry: Inquiry, until deadline: Deadline) async -> Outcome {
        let call = TaskCall(inquiry, deadline)
        await withTaskCancellationHandler {
            await withCheckedContinuation { begin(call, $0) }
        } onCancel: {
            cancel(call)
        }
        return call.outcome
    }

    /// Tells of its end, and of leases that come when nobody waits for them any more.
    func report(to keeper: LeaseKeeper) { monitor.locked { self.keeper = keeper } }

    func letGo() {
        let isDone = monitor.locked {
            isLetGo = true
            return isIdle
        }
        if isDone { end(.lost(place, "it was let go")) }
    }

    // Nobody waits for anything.
    private var isIdle: Bool { queue.isEmpty && sent.allSatisfy(\.isAbandoned) }
}

// A call begins, or is given up.
extension TaskConnection {
    // As many requests are worth a write of their own: the agent then works on some while tasks still ask for others.
    private static let batch = 16

    private enum Deed { case nothing, send, flushSoon }

    private func begin(_ call: TaskCall, _ continuation: CheckedContinuation<Void, Never>) {
        monitor.lock()
        if call.ending == nil, let ending { call.ending = Self.outcome(ending, isSent: false) }
        guard call.ending == nil else {
            monitor.unlock()
            return continuation.resume()
        }
        call.continuation = continuation
        queue.append(call)
        let deed = deedAfterAppending
        switch deed {
        case .send: sending = .somebody
        case .flushSoon: isFlushDue = true
        case .nothing: break
        }
        monitor.unlock()
        reactor.wake(by: call.deadline)
        switch deed {
        case .send: sendQueued()
        case .flushSoon: Task.detached { self.flush() }
        case .nothing: break
        }
    }

    // While others are under way, tasks that run at the same time are likely to ask as well: what they ask goes in one
    // write, as soon as those that are to run now have.
    private var deedAfterAppending: Deed {
        guard sending == .nobody, !sent.isFull else { return .nothing }
        if sent.isEmpty || queue.count >= Self.batch { return .send }
        return isFlushDue ? .nothing : .flushSoon
    }

    private func flush() {
        let isOurs = monitor.locked {
            isFlushDue = false
            guard sending == .nobody, !queue.isEmpty else { return false }
            sending = .somebody
            return true
        }
        if isOurs { sendQueued() }
    }

    private func cancel(_ call: TaskCall) {
        var resumptions = Resumptions()
        let isDone = monitor.locked {
            // Where it has not begun yet, it will not.
            if call.continuation == nil, !call.reply.isWhole, call.ending == nil {
                call.ending = .failed(.cancelled(place))
            }
            giveUp(call, .cancelled(place), &resumptions)
            return isLetGo && isIdle
        }
        resumptions.run()
        if isDone { end(.lost(place, "it was let go")) }
    }

    // Where it is not sent yet, it never will be.
    private func giveUp(_ call: TaskCall, _ error: RlimitError, _ resumptions: inout Resumptions) {
        guard !call.isAbandoned else { return }
        resumptions.add(call, .failed(error))
        if call.id == 0 { queue.noteAbandoned() }
    }

    /// Gives up the calls whose deadline has passed. Returns the next deadline.
    func expire(at now: Deadline) -> Deadline {
        var resumptions = Resumptions()
        var next = Deadline.never
        let isDone = monitor.locked {
            var late: [TaskCall] = []
            func look(_ call: TaskCall) {
                guard !call.isAbandoned else { return }
                if call.deadline <= now { late.append(call) } else { next = min(next, call.deadline) }
            }
            sent.forEach(look)
            queue.forEach(look)
            for call in late { giveUp(call, .late(place), &resumptions) }
            return isLetGo && isIdle
        }
        resumptions.run()
        if isDone { end(.lost(place, "it was let go")) }
        return next
    }
}

// Sending: one at a time, without the lock.
extension TaskConnection {
    // By whoever made `sending` `.somebody`.
    private func sendQueued() {
        while true {
            var resumptions = Resumptions()
            let message = monitor.locked { nextMessage(&resumptions) }
            resumptions.run()
            guard let message else { return }
            do throws(SystemError) {
                let count = try output.send(through: socket, with: message.process?.pidfd.descriptor.number)
                output.consume(count ?? 0)
                let isBlocked = monitor.locked {
                    sentCount += UInt64(count ?? 0)
                    if count == nil { sending = .blocked }
                    return count == nil
                }
                if isBlocked { return reactor.watchForRoom(self) }
            } catch {
                monitor.locked {
                    sendFailure = error
                    sending = .broken
                }
                return socket.shutDown()
            }
        }
    }

    private struct Message { let process: HeldProcess? }

    // What goes with the next write: the rest of the last one, or all that may go now. A request with a descriptor goes alone.
    // Nil where there is nothing to send; then nobody sends.
    private func nextMessage(_ resumptions: inout Resumptions) -> Message? {
        guard ending == nil else {
            sending = .broken
            return nil
        }
        guard output.isEmpty else { return Message(process: nil) }
        while let id = sent.nextID, let call = queue.first {
            if call.inquiry.process != nil, !output.isEmpty { break }
            queue.removeFirst()
            append(call, as: id, &resumptions)
            if let process = call.inquiry.process, !output.isEmpty { return Message(process: process) }
        }
        if output.isEmpty {
            sending = .nobody
            return nil
        }
        return Message(process: nil)
    }

    private func append(_ call: TaskCall, as id: UInt64, _ resumptions: inout Resumptions) {
        let inquiry = call.inquiry
        let left = call.deadline.left
        guard left != 0 else { return resumptions.add(call, .failed(.late(place))) }
        let request = Request(
            id: id, timeout: left.map { .nanoseconds($0) }, isQuestion: inquiry.isQuestion, inquiry.operation)
        let before = output.count
        do throws(RlimitError) {
            try encoder.encode(request, into: &output)
        } catch {
            return resumptions.add(call, .failed(error))
        }
        appendedCount += UInt64(output.count - before)
        call.end = appendedCount
        sent.insert(call)
    }

    /// There is room again. By the reactor.
    func goOnSending() {
        let isOurs = monitor.locked {
            guard sending == .blocked else { return false }
            sending = .somebody
            return true
        }
        if isOurs { sendQueued() }
    }
}

// Receiving: the reactor does.
extension TaskConnection {
    /// Something came, or the end.
    func receive() {
        var received = StreamSocket.Received.wouldBlock
        do throws(SystemError) {
            received = try reader.fill(from: socket)
        } catch {
            return end(.lost(place, error.description))
        }
        var failure: RlimitError?
        // Some at a time, so that tasks go on while others' answers are read.
        while failure == nil {
            var resumptions = Resumptions()
            var isMore = true
            monitor.lock()
            do throws(RlimitError) {
                for _ in 0..<Self.batch where isMore {
                    if let response = try reader.next() { try deliver(response, &resumptions) } else { isMore = false }
                }
            } catch {
                failure = error
            }
            monitor.unlock()
            resumptions.run()
            if !isMore { break }
        }
        monitor.lock()
        if received == .end {
            failure = failure ?? .lost(place, sendFailure?.description ?? "it was closed")
        } else if isLetGo, isIdle {
            failure = failure ?? .lost(place, "it was let go")
        }
        // Those that waited for the agent to take more.
        let sendsMore = failure == nil && sending == .nobody && !queue.isEmpty && !isFlushDue
        if sendsMore { sending = .somebody }
        monitor.unlock()
        if let failure { end(failure) } else if sendsMore { sendQueued() }
    }

    private func deliver(_ response: Response, _ resumptions: inout Resumptions) throws(RlimitError) {
        guard let call = sent[response.id] else { return }
        if !response.more { sent.remove(call) }
        guard !call.isAbandoned else {
            if case .success(.changes(_, let lease?)) = response.outcome, let keeper {
                Task.detached { keeper.strayed(lease.id) }
            }
            return
        }
        guard call.reply.take(response) else { throw .noAgent(place, "an answer in parts that do not fit") }
        guard call.reply.isWhole else { return }
        sent.remove(call)
        resumptions.add(call)
    }

    /// Ends it, and tells everyone who waits.
    func end(_ error: RlimitError) {
        var resumptions = Resumptions()
        let keeper: LeaseKeeper? = monitor.locked {
            guard ending == nil else { return nil }
            ending = error
            // Of what is being sent at this moment the agent may have all.
            let whole = sending == .somebody ? appendedCount : sentCount
            sent.forEach { resumptions.add($0, Self.outcome(error, isSent: $0.end <= whole)) }
            for call in queue.removeAll() { resumptions.add(call, Self.outcome(error, isSent: false)) }
            sent.removeAll()
            return self.keeper
        }
        reactor.remove(self)
        resumptions.run()
        keeper?.lost(token)
    }

    private static func outcome(_ error: RlimitError, isSent: Bool) -> Outcome {
        guard error.code == .connectionLost else { return .failed(error) }
        return isSent ? .unanswered(error) : .unsent(error)
    }
}
