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
    let isOver = Atomic(false)
    // What follows is touched only while this is locked, but for what belongs to the sender and to the reactor. Nothing of
    // it is ever accessed from within an access to the same, so that this need not be looked for in every call.
    let monitor = Monitor()
    @safe @exclusivity(unchecked) var ending: RlimitError?
    @safe @exclusivity(unchecked) var sendFailure: SystemError?
    @safe @exclusivity(unchecked) var isLetGo = false
    // Sent, or being sent. The answers to those that were abandoned are still to come.
    @safe @exclusivity(unchecked) var sent = SentCalls()
    @safe @exclusivity(unchecked) var queue = CallQueue()
    @safe @exclusivity(unchecked) var sending = Sending.nobody
    @safe @exclusivity(unchecked) weak var keeper: LeaseKeeper?
    // Calls that begin now are sent by the reactor, until there were so many.
    @safe @exclusivity(unchecked) var isGathering = false
    @safe @exclusivity(unchecked) var gatheredCount: UInt64 = 0
    @safe @exclusivity(unchecked) var begunCount: UInt64 = 0
    @safe @exclusivity(unchecked) var appendedCount: UInt64 = 0
    @safe @exclusivity(unchecked) var sentCount: UInt64 = 0
    // The sender's.
    @safe @exclusivity(unchecked) private var encoder = RequestEncoder()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // The reactor's.
    @safe @exclusivity(unchecked) var isToSend = false
    @safe @exclusivity(unchecked) var reader: ReplyReader

    enum Sending {
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
        let call = TaskCall(question.inquiry, resource: question.resource, deadline)
        await withTaskCancellationHandler {
            // Whoever takes it out of the call resumes it, once; so it need not be counted.
            await unsafe withUnsafeContinuation { unsafe begin(call, $0) }
        } onCancel: {
            cancel(call)
        }
        return call.answer(to: question)
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
    var isIdle: Bool { queue.isEmpty && sent.allSatisfy(\.isAbandoned) }
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
        if isGathering, begunCount >= gatheredCount { isGathering = false }
        // Others that it runs may be about to ask too.
        let isReactors = reactor.isCurrent
        let isOurs = !isReactors && canSend && !isGathering
        if isOurs { sending = .somebody }
        monitor.unlock()
        reactor.wake(by: call.deadline)
        if isOurs { sendQueued() }
        if isReactors, !isToSend {
            isToSend = true
            reactor.sendSoon(self)
        }
    }

    private func cancel(_ call: TaskCall) {
        var resumptions = Resumptions()
        let isDone = monitor.locked {
            // Where it has not begun yet, it will not.
            if call.isAbandoned, !call.isAnswered, call.ending == nil {
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
    func sendQueued() {
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
                guard let count = try output.send(through: socket, with: message.process?.pidfd.descriptor.number)
                else {
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

    // Locked. Nobody sends, and what is queued can be sent.
    var canSend: Bool { sending == .nobody && !sent.isFull && !queue.isEmpty }

    /// What was asked by tasks that run on the reactor. By the reactor.
    func sendGathered() {
        isToSend = false
        let isOurs = monitor.locked {
            guard canSend else { return false }
            sending = .somebody
            return true
        }
        if isOurs { sendQueued() }
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
