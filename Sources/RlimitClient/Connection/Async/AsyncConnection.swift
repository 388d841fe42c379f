import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// One open connection to the agent, on which any number of tasks ask at once: pipelined, and no thread waits for an answer.
///
/// The task that begins a call sends it, or leaves it to one that is sending already: one write then carries all. The
/// reactor receives, and sends what those ask next whom it has just answered. At most as many requests as the agent takes are under way; more wait in order.
final class AsyncConnection: Connection, @unchecked Sendable {
    let socket: StreamSocket
    let agentSocket: AgentSocket
    let reactor: Reactor
    /// How long the reactor is to poll before it sleeps.
    let busyPolling: Duration
    let token: UInt64
    // Whether it takes no more calls, for those who do not hold the lock.
    let closedFlag = Atomic(false)
    // What follows is touched only while this is locked, but for what belongs to the sender and to the reactor. Nothing of
    // it is ever accessed from within an access to the same, so that this need not be looked for in every call.
    let lock = ConditionLock()
    @safe @exclusivity(unchecked) var closeReason: RlimitError?
    @safe @exclusivity(unchecked) var sendFailure: SystemError?
    @safe @exclusivity(unchecked) var isClosingWhenIdle = false
    // Sent, or being sent. The answers to those that were abandoned are still to come.
    @safe @exclusivity(unchecked) var sent = InFlightCalls()
    @safe @exclusivity(unchecked) var queue = CallQueue()
    @safe @exclusivity(unchecked) var sendState = SendState.idle
    @safe @exclusivity(unchecked) weak var renewer: LeaseRenewer?
    // Calls that begin now are sent by the reactor, until there were so many.
    @safe @exclusivity(unchecked) var isCoalescing = false
    @safe @exclusivity(unchecked) var coalesceTarget: UInt64 = 0
    @safe @exclusivity(unchecked) var startedCount: UInt64 = 0
    @safe @exclusivity(unchecked) var appendedCount: UInt64 = 0
    @safe @exclusivity(unchecked) var sentCount: UInt64 = 0
    // The sender's.
    @safe @exclusivity(unchecked) private var encoder = RequestEncoder()
    @safe @exclusivity(unchecked) private var output = ByteQueue()
    // The reactor's.
    @safe @exclusivity(unchecked) var isSendScheduled = false
    @safe @exclusivity(unchecked) var reader: ReplyReader

    enum SendState {
        case idle, sending
        /// There was no room; the reactor goes on when there is.
        case blocked
        /// The connection is broken; the reactor reads what the agent still had to say, and ends it.
        case failed
    }

    /// - Throws: What the reactor needs cannot be had: a thread, a descriptor.
    init(_ socket: consuming StreamSocket, at agentSocket: AgentSocket, busyPolling: Duration) throws(SystemError) {
        self.socket = socket
        self.agentSocket = agentSocket
        self.busyPolling = busyPolling
        reader = ReplyReader(room: 16384, from: agentSocket)
        reactor = try Reactor.forThisProcess()
        token = reactor.newToken()
        try reactor.add(self)
    }

    var descriptor: Int32 { socket.descriptor.number }

    var isClosed: Bool { closedFlag.load(ordering: .acquiring) }

    /// Sends one request and waits for what comes of it: `.failed` with `.cancelled` as soon as the task is cancelled, and
    /// with `.deadlineExceeded` at the deadline. An answer that comes later is dropped.
    func exchange<Call: AgentCall>(
        _ agentCall: Call, until deadline: MonotonicDeadline
    ) async -> Result<Call.Value?, ExchangeFailure> {
        let call = PendingCall(agentCall.request, resource: agentCall.resource, deadline)
        await withTaskCancellationHandler {
            // Whoever takes it out of the call resumes it, once; so it need not be counted.
            await unsafe withUnsafeContinuation { unsafe begin(call, $0) }
        } onCancel: {
            cancel(call)
        }
        return call.answer(to: agentCall)
    }

    /// Tells of its end, and of leases that come when nobody waits for them any more.
    func reportLeases(to renewer: LeaseRenewer) { lock.withLock { self.renewer = renewer } }

    func closeWhenIdle() {
        let isDone = lock.withLock {
            isClosingWhenIdle = true
            return isIdle
        }
        if isDone { fail(.connectionLost(agentSocket, "it was let go")) }
    }

    // Nobody waits for anything.
    var isIdle: Bool { queue.isEmpty && sent.allSatisfy(\.isAbandoned) }
}

// A call begins, or is given up.
extension AsyncConnection {
    private func begin(_ call: PendingCall, _ continuation: UnsafeContinuation<Void, Never>) {
        lock.lock()
        if call.failure == nil, let closeReason { call.failure = Self.failure(closeReason, isSent: false) }
        guard call.failure == nil else {
            lock.unlock()
            return unsafe continuation.resume()
        }
        unsafe call.continuation = continuation
        queue.append(call)
        startedCount += 1
        if isCoalescing, startedCount >= coalesceTarget { isCoalescing = false }
        // Others that it runs may be about to ask too.
        let isOnReactor = reactor.isCurrent
        let isSender = !isOnReactor && canSend && !isCoalescing
        if isSender { sendState = .sending }
        lock.unlock()
        reactor.wake(by: call.deadline)
        if isSender { sendQueued() }
        if isOnReactor, !isSendScheduled {
            isSendScheduled = true
            reactor.scheduleSend(self)
        }
    }

    private func cancel(_ call: PendingCall) {
        var resumptions = Resumptions()
        let isDone = lock.withLock {
            // Where it has not begun yet, it will not.
            if call.isAbandoned, !call.isAnswered, call.failure == nil {
                call.failure = .failed(.cancelled(agentSocket))
            }
            abandon(call, .cancelled(agentSocket), &resumptions)
            return isClosingWhenIdle && isIdle
        }
        resumptions.run()
        if isDone { fail(.connectionLost(agentSocket, "it was let go")) }
    }

    // Where it is not sent yet, it never will be.
    private func abandon(_ call: PendingCall, _ error: RlimitError, _ resumptions: inout Resumptions) {
        guard !call.isAbandoned else { return }
        resumptions.add(call, .failed(error))
        if call.id == 0 { queue.noteAbandoned() }
    }

    /// Gives up the calls whose deadline has passed. Returns the next deadline.
    func expire(at now: MonotonicDeadline) -> MonotonicDeadline {
        var resumptions = Resumptions()
        var next = MonotonicDeadline.never
        let isDone = lock.withLock {
            var expired: [PendingCall] = []
            func visit(_ call: PendingCall) {
                guard !call.isAbandoned else { return }
                if call.deadline <= now { expired.append(call) } else { next = min(next, call.deadline) }
            }
            sent.forEach(visit)
            queue.forEach(visit)
            for call in expired { abandon(call, .timedOut(agentSocket), &resumptions) }
            return isClosingWhenIdle && isIdle
        }
        resumptions.run()
        if isDone { fail(.connectionLost(agentSocket, "it was let go")) }
        return next
    }
}

// Sending: one at a time, without the lock.
extension AsyncConnection {
    // By whoever made `sendState` `.sending`.
    func sendQueued() {
        var sentNow = 0
        while true {
            var resumptions = Resumptions()
            lock.lock()
            sentCount += UInt64(sentNow)
            let message = nextMessage(&resumptions)
            lock.unlock()
            resumptions.run()
            guard let message else { return }
            do throws(SystemError) {
                guard let count = try output.send(through: socket, with: message.process?.pidfd.descriptor.number)
                else {
                    lock.withLock { sendState = .blocked }
                    return reactor.watchWritable(self)
                }
                output.consume(count)
                sentNow = count
            } catch {
                lock.withLock {
                    sendFailure = error
                    markSendFailed()
                }
                return socket.shutDown()
            }
        }
    }

    private struct Message { let process: PinnedProcess? }

    // Locked.
    private func markSendFailed() {
        sendState = .failed
        closedFlag.store(true, ordering: .releasing)
    }

    // What goes with the next write: the rest of the last one, or all that may go now. A request with a descriptor goes alone.
    // Nil where there is nothing to send; then nobody sends.
    private func nextMessage(_ resumptions: inout Resumptions) -> Message? {
        guard closeReason == nil else {
            markSendFailed()
            return nil
        }
        guard output.isEmpty else { return Message(process: nil) }
        // One time for all.
        let now = queue.isEmpty ? 0 : SystemClock.monotonic
        while let id = sent.nextID, let call = queue.first {
            let process = call.request.process
            if process != nil, !output.isEmpty { break }
            queue.removeFirst()
            append(call, as: id, at: now, &resumptions)
            if let process, !output.isEmpty { return Message(process: process) }
        }
        if output.isEmpty {
            sendState = .idle
            return nil
        }
        return Message(process: nil)
    }

    private func append(_ call: PendingCall, as id: UInt64, at now: UInt64, _ resumptions: inout Resumptions) {
        let remaining = call.deadline.remaining(at: now)
        guard remaining != 0 else { return resumptions.add(call, .failed(.timedOut(agentSocket))) }
        let before = output.count
        do throws(RlimitError) {
            try encoder.encode(
                call.request.operation, id: id, milliseconds: remaining.map(MonotonicDeadline.roundedUpToMilliseconds),
                isExplain: call.request.isExplain, into: &output)
        } catch {
            return resumptions.add(call, .failed(error))
        }
        appendedCount += UInt64(output.count - before)
        call.end = appendedCount
        sent.insert(call)
    }

    // Locked. Nobody sends, and what is queued can be sent.
    var canSend: Bool { sendState == .idle && !sent.isFull && !queue.isEmpty }

    /// What was asked by tasks that run on the reactor. By the reactor.
    func sendCoalesced() {
        isSendScheduled = false
        let isSender = lock.withLock {
            guard canSend else { return false }
            sendState = .sending
            return true
        }
        if isSender { sendQueued() }
    }

    /// There is room again. By the reactor.
    func resumeSending() {
        let isSender = lock.withLock {
            guard sendState == .blocked else { return false }
            sendState = .sending
            return true
        }
        if isSender { sendQueued() }
    }
}
