import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// One open connection to the agent for any number of concurrent tasks. Requests are pipelined, and no thread waits for
/// a response.
///
/// A task that begins a call also sends it. If another task is sending, that task sends all queued calls with one
/// write. The reactor receives. It also sends the next calls of tasks that it has just answered. The agent's limit
/// bounds the requests in flight; further calls wait in order.
final class AsyncConnection: Connection, @unchecked Sendable {
    private let socket: StreamSocket
    let agentSocket: AgentSocket
    private let reactor: Reactor
    /// The duration for which the reactor polls before it sleeps.
    let busyPolling: Duration
    let token: UInt64
    // Whether the connection accepts no more calls, for readers without the lock.
    private let closedFlag = Atomic(false)
    let naming = KnownNaming()
    // The lock guards the following state, except the state of the sender and of the reactor. No access to it happens
    // during another access to the same property, so the dynamic exclusivity check of every call is not needed.
    private let lock = ConditionLock()
    @safe @exclusivity(unchecked) private var closeReason: RlimitError?
    @safe @exclusivity(unchecked) private var sendFailure: SystemError?
    @safe @exclusivity(unchecked) private var isClosingWhenIdle = false
    @safe @exclusivity(unchecked) private var calls = CallTable()
    @safe @exclusivity(unchecked) private var sendState = SendState.idle
    @safe @exclusivity(unchecked) private var coalescing = SendCoalescing()
    @safe @exclusivity(unchecked) private weak var renewer: LeaseRenewer?
    // Of the sender, which has set `sendState` to `.sending`.
    @safe @exclusivity(unchecked) private var output = SendBuffer()
    // Of the reactor.
    @safe @exclusivity(unchecked) private var isSendScheduled = false
    @safe @exclusivity(unchecked) private var reader: ReplyReader

    private enum SendState {
        case idle, sending
        /// The socket buffer is full. The reactor continues when it has room.
        case blocked
        /// The connection is broken. The reactor reads what the agent has already sent, and then closes the connection.
        case failed
    }

    /// - Throws: `SystemError` if the reactor gets no thread or descriptor.
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

    /// Sends one request and waits for its response.
    ///
    /// - Returns: The result, or nil if the response does not fit the request. Fails with `.cancelled` as soon as the
    ///   task is cancelled, and with `.deadlineExceeded` at the deadline. Ignores a later response.
    func exchange<Call: AgentCall>(
        _ agentCall: Call, until deadline: MonotonicDeadline
    ) async -> Result<Call.Value?, ExchangeFailure> {
        let call = PendingCall(agentCall.request, resource: agentCall.resource, deadline)
        await withTaskCancellationHandler {
            // Only the code that takes the continuation out of the call resumes it, so a checked one is not needed.
            await unsafe withUnsafeContinuation { unsafe begin(call, $0) }
        } onCancel: {
            cancel(call)
        }
        return call.answer(to: agentCall)
    }

    /// Reports the end of the connection to the renewer, and leases whose call no longer waits.
    func reportLeases(to renewer: LeaseRenewer) { lock.withLock { self.renewer = renewer } }

    func closeWhenIdle() { updateCalls { _ in isClosingWhenIdle = true } }

    /// Closes the connection and ends all calls.
    func fail(_ error: RlimitError) {
        var resumptions = Resumptions()
        let renewer: LeaseRenewer? = lock.withLock {
            guard closeReason == nil else { return nil }
            closeReason = error
            closedFlag.store(true, ordering: .releasing)
            calls.failAll(error, isSending: sendState == .sending, &resumptions)
            return self.renewer
        }
        reactor.remove(self)
        resumptions.run()
        renewer?.connectionLost(token)
    }
}

// MARK: - Beginning and ending calls
extension AsyncConnection {
    private func begin(_ call: PendingCall, _ continuation: UnsafeContinuation<Void, Never>) {
        lock.lock()
        if call.failure == nil, let closeReason {
            call.failure = ExchangeFailure(connectionClosed: closeReason, isSent: false)
        }
        guard call.failure == nil else {
            lock.unlock()
            return unsafe continuation.resume()
        }
        unsafe call.continuation = continuation
        calls.append(call)
        coalescing.recordStart()
        // The reactor may be about to run further tasks that make calls.
        let isOnReactor = reactor.isCurrent
        let isSender = !isOnReactor && canSend && !coalescing.isActive
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
        updateCalls { resumptions in
            // A call that has not begun yet fails when it begins.
            if call.isAbandoned, !call.isAnswered, call.failure == nil {
                call.failure = .failed(.cancelled(agentSocket))
            }
            calls.abandon(call, .cancelled(agentSocket), &resumptions)
        }
    }

    /// Ends the calls whose deadline has passed. Returns the next deadline.
    func expire(at now: MonotonicDeadline) -> MonotonicDeadline {
        updateCalls { resumptions in calls.expire(at: now, .timedOut(agentSocket), &resumptions) }
    }

    // Resumes the tasks of ended calls, and closes the connection if it only waited to become idle.
    private func updateCalls<R>(_ update: (inout Resumptions) -> R) -> R {
        var resumptions = Resumptions()
        let (result, isDone) = lock.withLock { (update(&resumptions), isClosingWhenIdle && calls.isIdle) }
        resumptions.run()
        if isDone { fail(.closedByClient(agentSocket)) }
        return result
    }
}

// MARK: - Sending: one sender at a time, without the lock
extension AsyncConnection {
    // Locked. No write is under way, and a queued call can be sent.
    private var canSend: Bool { sendState == .idle && calls.canSend }

    /// Sends what tasks on the reactor have queued. Called by the reactor.
    func sendCoalesced() {
        isSendScheduled = false
        becomeSender { canSend }
    }

    /// The socket buffer has room again. Called by the reactor.
    func resumeSending() { becomeSender { sendState == .blocked } }

    private func becomeSender(where isNeeded: () -> Bool) {
        let isSender = lock.withLock {
            guard isNeeded() else { return false }
            sendState = .sending
            return true
        }
        if isSender { sendQueued() }
    }

    // Called by the sender.
    private func sendQueued() {
        var sentNow = 0
        while true {
            var resumptions = Resumptions()
            lock.lock()
            calls.recordSent(sentNow)
            let message = nextMessage(&resumptions)
            lock.unlock()
            resumptions.run()
            guard let message else { return }
            do throws(SystemError) {
                guard let count = try output.send(through: socket, with: message.process) else {
                    lock.withLock { sendState = .blocked }
                    return reactor.watchWritable(self)
                }
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

    // Locked. What the next write sends: the rest of the last write, or every queued call that may be sent now. A
    // request with a descriptor is a write of its own. Nil if there is nothing to send; then there is no sender any
    // more.
    private func nextMessage(_ resumptions: inout Resumptions) -> Message? {
        guard closeReason == nil else {
            markSendFailed()
            return nil
        }
        guard output.isEmpty else { return Message(process: nil) }
        // One reading of the clock for all calls.
        let now = calls.hasQueuedCalls ? SystemClock.monotonic : 0
        while let (call, id) = calls.next() {
            let process = call.request.process
            if process != nil, !output.isEmpty { break }
            calls.removeNext()
            encode(call, id: id, at: now, &resumptions)
            if let process, !output.isEmpty { return Message(process: process) }
        }
        if output.isEmpty {
            sendState = .idle
            return nil
        }
        return Message(process: nil)
    }

    private func encode(_ call: PendingCall, id: UInt64, at now: UInt64, _ resumptions: inout Resumptions) {
        let remaining = call.deadline.remaining(at: now)
        guard remaining != 0 else { return resumptions.add(call, .failed(.timedOut(agentSocket))) }
        let before = output.count
        do throws(RlimitError) {
            try output.append(call.request, id: id, remaining: remaining)
        } catch {
            return resumptions.add(call, .failed(error))
        }
        calls.insert(call, byteCount: output.count - before)
    }
}

// MARK: - Receiving, by the reactor
extension AsyncConnection {
    /// Reads the socket and resumes the tasks whose responses are complete.
    func receive() {
        var received = StreamSocket.Received.wouldBlock
        do throws(SystemError) {
            received = try reader.fill(from: socket)
        } catch {
            return fail(.connectionLost(agentSocket, error.description))
        }
        var failure: RlimitError?
        var resumptions = Resumptions()
        lock.lock()
        do throws(RlimitError) {
            try deliverAll(&resumptions)
        } catch {
            failure = error
        }
        if received == .end {
            failure = failure ?? .connectionLost(agentSocket, sendFailure?.description ?? "it was closed")
        } else if isClosingWhenIdle, calls.isIdle {
            failure = failure ?? .closedByClient(agentSocket)
        }
        let count = resumptions.count
        let coalesces = failure == nil && count >= SendCoalescing.threshold
        if coalesces { coalescing.start(expecting: count) }
        // A response makes room for a call that waited behind the agent's limit.
        let sendsMore = failure == nil && !coalesces && canSend
        if sendsMore { sendState = .sending }
        lock.unlock()
        let jobCountBefore = reactor.jobCount
        resumptions.run()
        // Tasks on the reactor run later, and their calls are sent together in any case.
        let isOffReactor = jobCountBefore + count - reactor.jobCount >= SendCoalescing.threshold
        if let failure { fail(failure) } else if sendsMore { sendQueued() }
        guard coalesces else { return }
        if isOffReactor {
            sendUntilIdle()
        } else {
            lock.withLock { coalescing.stop() }
            sendCoalesced()
        }
    }

    // Locked.
    private func deliverAll(_ resumptions: inout Resumptions) throws(RlimitError) {
        while true {
            switch try reader.next() {
            case .repeated(let id):
                try calls.deliver(reader.repeatedLimits, to: id, from: agentSocket, &resumptions)
            case .response:
                guard let response = reader.takeResponse() else { continue }
                let unclaimed = try calls.deliver(response, from: agentSocket, &resumptions)
                if let unclaimed, let renewer { Task.detached { renewer.releaseUnclaimed(unclaimed) } }
            case .incomplete: return
            }
        }
    }

    // Lets the answered tasks run, and sends their next calls together as soon as no further call begins. The task of
    // the last expected call sends by itself.
    private func sendUntilIdle() {
        while true {
            DetachedThread.yield()
            lock.lock()
            let isMoving = coalescing.recordYield()
            if closeReason != nil { coalescing.stop() }
            let isDone = !coalescing.isActive
            let isSender = (isDone || !isMoving) && canSend
            if isSender { sendState = .sending }
            lock.unlock()
            if isSender { sendQueued() }
            if isDone { return }
        }
    }
}
