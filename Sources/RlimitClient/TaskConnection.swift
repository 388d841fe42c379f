import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// One open connection to the agent, on which any number of tasks ask at once: pipelined, and no thread waits for an answer.
///
/// The task that begins a call sends it, or leaves it to one that is sending already: one write then carries all. The
/// reactor receives, and sends what those ask next whom it has just answered. At most as many requests as the agent takes are under way; more wait in order.
final class TaskConnection: Connection, @unchecked Sendable {
    let socket: StreamSocket
    let place: AgentSocket
    let reactor: Reactor
    /// How long the reactor is to poll before it sleeps.
    let busyPolling: Duration
    let token: UInt64
    // Whether it takes no more calls, for those who do not hold the lock.
    private let isOver = Atomic(false)
    // What follows is touched only while this is locked, but for what belongs to the sender and to the reactor. Nothing of
    // it is ever accessed from within an access to the same, so that this need not be looked for in every call.
    let monitor = Monitor()
    @safe @exclusivity(unchecked) private var ending: RlimitError?
    @safe @exclusivity(unchecked) private var sendFailure: SystemError?
    @safe @exclusivity(unchecked) private var isLetGo = false
    // Sent, or being sent. The answers to those that were abandoned are still to come.
    @safe @exclusivity(unchecked) private var sent = SentCalls()
    @safe @exclusivity(unchecked) private var queue = CallQueue()
    @safe @exclusivity(unchecked) private var sending = Sending.nobody
    // Calls that begin now are sent by the reactor.
    @safe @exclusivity(unchecked) private var isGathering = false
    @safe @exclusivity(unchecked) private var begunCount: UInt64 = 0
    @safe @exclusivity(unchecked) private var appendedCount: UInt64 = 0
    @safe @exclusivity(unchecked) private var sentCount: UInt64 = 0
    // The sender's.
    @safe @exclusivity(unchecked) private var encoder = RequestEncoder()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // The reactor's.
    @safe @exclusivity(unchecked) private var reader: ReplyReader

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

    var hasEnded: Bool { isOver.load(ordering: .acquiring) }

    /// Sends one request and waits for what comes of it: `.failed` with `.cancelled` as soon as the task is cancelled, and
    /// with `.deadlineExceeded` at the deadline. An answer that comes later is dropped.
    func exchange<Asked: Question>(
        _ question: Asked, until deadline: Deadline
    ) async -> Result<Asked.Value?, Ending> {
        let call = TaskCall(question.inquiry, deadline)
        await withTaskCancellationHandler {
            // Whoever takes it out of the call resumes it, once; so it need not be counted.
            await unsafe withUnsafeContinuation { unsafe begin(call, $0) }
        } onCancel: {
            cancel(call)
        }
        return call.answer(to: question)
    }

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
    private func begin(_ call: TaskCall, _ continuation: UnsafeContinuation<Void, Never>) {
        monitor.lock()
        if call.ending == nil, let ending { call.ending = Self.ending(ending, isSent: false) }
        guard call.ending == nil else {
            monitor.unlock()
            return unsafe continuation.resume()
        }
        unsafe call.continuation = continuation
        queue.append(call)
        begunCount += 1
        let isOurs = sending == .nobody && !sent.isFull && !isGathering
        if isOurs { sending = .somebody }
        monitor.unlock()
        reactor.wake(by: call.deadline)
        if isOurs { sendQueued() }
    }

    private func cancel(_ call: TaskCall) {
        var resumptions = Resumptions()
        let isDone = monitor.locked {
            // Where it has not begun yet, it will not.
            if call.isAbandoned, !call.reply.isWhole, call.ending == nil {
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
        var sentNow = 0
        while true {
            var resumptions = Resumptions()
            monitor.lock()
            sentCount += UInt64(sentNow)
            let message = nextMessage(&resumptions)
            monitor.unlock()
            resumptions.run()
            guard let message else { return }
            do throws(SystemError) {
                guard let count = try output.send(through: socket, with: message.process?.pidfd.descriptor.number) else {
                    monitor.locked { sending = .blocked }
                    return reactor.watchForRoom(self)
                }
                output.consume(count)
                sentNow = count
            } catch {
                monitor.locked {
                    sendFailure = error
                    breakOff()
                }
                return socket.shutDown()
            }
        }
    }

    private struct Message { let process: HeldProcess? }

    // Locked.
    private func breakOff() {
        sending = .broken
        isOver.store(true, ordering: .releasing)
    }

    // What goes with the next write: the rest of the last one, or all that may go now. A request with a descriptor goes alone.
    // Nil where there is nothing to send; then nobody sends.
    private func nextMessage(_ resumptions: inout Resumptions) -> Message? {
        guard ending == nil else {
            breakOff()
            return nil
        }
        guard output.isEmpty else { return Message(process: nil) }
        // One time for all.
        let now = queue.isEmpty ? 0 : SystemClock.monotonic
        while let id = sent.nextID, let call = queue.first {
            let process = call.inquiry.process
            if process != nil, !output.isEmpty { break }
            queue.removeFirst()
            append(call, as: id, at: now, &resumptions)
            if let process, !output.isEmpty { return Message(process: process) }
        }
        if output.isEmpty {
            sending = .nobody
            return nil
        }
        return Message(process: nil)
    }

    private func append(_ call: TaskCall, as id: UInt64, at now: UInt64, _ resumptions: inout Resumptions) {
        let left = call.deadline.left(at: now)
        guard left != 0 else { return resumptions.add(call, .failed(.late(place))) }
        let before = output.count
        do throws(RlimitError) {
            try encoder.encode(
                call.inquiry.operation, id: id, milliseconds: left.map(Deadline.milliseconds),
                isQuestion: call.inquiry.isQuestion, into: &output)
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
        var resumptions = Resumptions()
        monitor.lock()
        do throws(RlimitError) {
            takingAll: while true {
                switch try reader.next() {
                case .repeated(let id): try deliver(reader.repeatedLimits, of: id, &resumptions)
                case .response(let response): try deliver(response, &resumptions)
                case .incomplete: break takingAll
                }
            }
        } catch {
            failure = error
        }
        if received == .end {
            failure = failure ?? .lost(place, sendFailure?.description ?? "it was closed")
        } else if isLetGo, isIdle {
            failure = failure ?? .lost(place, "it was let go")
        }
        isGathering = failure == nil && resumptions.count >= Self.crowd
        // Those that waited for the agent to take more.
        let sendsMore = failure == nil && !isGathering && sending == .nobody && !queue.isEmpty
        if sendsMore { sending = .somebody }
        let (isGathering, begun, resumed) = (isGathering, begunCount, UInt64(resumptions.count))
        monitor.unlock()
        resumptions.run()
        if let failure { end(failure) } else if sendsMore { sendQueued() }
        if isGathering { gather(resumed, since: begun) }
    }

    // As many tasks that are answered at once are likely to ask again at once.
    private static let crowd = 4
    // So often the reactor looks in vain for what they ask.
    private static let patience = 8

    // Lets the tasks run that were answered, and sends together what they ask. To leave that to them would take a write, or
    // another task that waits for its turn, for few requests each.
    private func gather(_ resumed: UInt64, since start: UInt64) {
        var (seen, looks) = (start, 0)
        while true {
            DetachedThread.yield()
            monitor.lock()
            let begun = begunCount
            let isMoving = begun != seen
            let isOver = begun - start >= resumed || looks >= Self.patience || ending != nil
            seen = begun
            looks = isMoving ? 0 : looks + 1
            if isOver { isGathering = false }
            // As soon as they pause.
            let isOurs = (isOver || !isMoving) && sending == .nobody && !sent.isFull && !queue.isEmpty
            if isOurs { sending = .somebody }
            monitor.unlock()
            if isOurs { sendQueued() }
            if isOver { return }
        }
    }

    private func deliver(_ response: consuming Response, _ resumptions: inout Resumptions) throws(RlimitError) {
        guard let call = sent[response.id] else { return }
        if !response.more { sent.remove(call) }
        guard !call.isAbandoned else { return }
        guard call.reply.take(response) else { throw .noAgent(place, "an answer in parts that do not fit") }
        guard call.reply.isWhole else { return }
        sent.remove(call)
        resumptions.add(call)
    }

    // The same of an answer that repeats the last one.
    private func deliver(
        _ told: ToldLimits, of id: UInt64, _ resumptions: inout Resumptions
    ) throws(RlimitError) {
        guard let call = sent[id] else { return }
        sent.remove(call)
        guard !call.isAbandoned else { return }
        guard call.reply.take(told) else { throw .noAgent(place, "an answer in parts that do not fit") }
        resumptions.add(call)
    }

    /// Ends it, and tells everyone who waits.
    func end(_ error: RlimitError) {
        var resumptions = Resumptions()
        monitor.locked {
            guard ending == nil else { return }
            ending = error
            isOver.store(true, ordering: .releasing)
            // Of what is being sent at this moment the agent may have all.
            let whole = sending == .somebody ? appendedCount : sentCount
            sent.forEach { resumptions.add($0, Self.ending(error, isSent: $0.end <= whole)) }
            for call in queue.removeAll() { resumptions.add(call, Self.ending(error, isSent: false)) }
            sent.removeAll()
        }
        reactor.remove(self)
        resumptions.run()
    }

    private static func ending(_ error: RlimitError, isSent: Bool) -> Ending {
        guard error.code == .connectionLost else { return .failed(error) }
        return isSent ? .unanswered(error) : .unsent(error)
    }
}
