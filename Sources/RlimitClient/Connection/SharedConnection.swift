import RlimitKernel
import RlimitModel

/// The way to an agent, which all copies of a client share: makes the connection when it is needed, makes it again when the
/// agent was restarted, and gives each process its own.
final class SharedConnection<Open: Connection>: Sendable {
    let socket: AgentSocket
    /// How long to poll for an answer before sleeping.
    let busyPolling: Duration
    private let slot = ForkLocal<ConnectionSlot<Open>>()

    init(to socket: AgentSocket, busyPolling: Duration) {
        self.socket = socket
        self.busyPolling = busyPolling
    }

    /// Lets go of the connection; it closes once nobody waits for an answer on it.
    func close() { currentSlot.disconnect() }

    private var currentSlot: ConnectionSlot<Open> { slot.object { ConnectionSlot($0) } }
}

extension SharedConnection<BlockingConnection> {
    /// Asks the agent, on a connection that is made if there is none, and blocks until it has answered.
    ///
    /// - Throws: What the agent answered; `.agentUnreachable`, `.untrustedSocket`, `.connectionLost`,
    ///   `.deadlineExceeded`, `.malformed`.
    func perform<Call: AgentCall>(_ call: Call, until deadline: MonotonicDeadline) throws(RlimitError) -> Call.Value {
        let slot = currentSlot
        var isRetry = false
        while true {
            let connection = try connection(on: slot, until: deadline)
            switch try connection.exchange(call, until: deadline) {
            case .success(let value?): return value
            case .success(nil): throw .unexpectedReply(socket)
            case .failure(let failure):
                try failure.requireRetryable(of: call.request, isRetry: isRetry, at: socket)
            }
            isRetry = true
        }
    }

    /// The connection, which is made if there is none.
    func connection(until deadline: MonotonicDeadline) throws(RlimitError) -> BlockingConnection {
        try connection(on: currentSlot, until: deadline)
    }

    private func connection(
        on slot: ConnectionSlot<BlockingConnection>, until deadline: MonotonicDeadline
    ) throws(RlimitError) -> BlockingConnection {
        try slot.connection(to: socket, until: deadline) { () throws(RlimitError) in
            BlockingConnection(try socket.connect(until: deadline), at: socket, busyPolling: busyPolling)
        }
    }

    /// The same of whatever the agent may answer.
    func exchange(_ request: AgentRequest, until deadline: MonotonicDeadline) throws(RlimitError) -> Reply {
        try perform(UntypedCall(request: request), until: deadline)
    }

    /// Makes a batch of edits, or has it explained.
    func run(_ stateMachine: EditStateMachine, until deadline: MonotonicDeadline) throws(RlimitError)
        -> EditStateMachine.Step
    {
        var stateMachine = stateMachine
        var step = try stateMachine.next()
        while case .send(let request) = step {
            let answer: Result<Reply, RlimitError>
            do throws(RlimitError) {
                answer = .success(try exchange(request, until: deadline))
            } catch {
                answer = .failure(error)
            }
            step = try stateMachine.receive(answer)
        }
        return step
    }
}

extension SharedConnection<AsyncConnection> {
    /// Asks the agent, on a connection that is made if there is none, and suspends the task until it has answered.
    ///
    /// - Throws: As for threads, and `.cancelled`.
    func perform<Call: AgentCall>(_ call: Call, until deadline: MonotonicDeadline) async throws(RlimitError)
        -> Call.Value
    {
        var isRetry = false
        while true {
            var ready = try connectionIfReady()
            if ready == nil { ready = try await connection(until: deadline) }
            guard let connection = ready else { continue }
            switch await connection.exchange(call, until: deadline) {
            case .success(let value?): return value
            case .success(nil): throw .unexpectedReply(socket)
            case .failure(let failure):
                try failure.requireRetryable(of: call.request, isRetry: isRetry, at: socket)
            }
            isRetry = true
        }
    }

    /// The same of whatever the agent may answer.
    func exchange(_ request: AgentRequest, until deadline: MonotonicDeadline) async throws(RlimitError) -> Reply {
        try await perform(UntypedCall(request: request), until: deadline)
    }

    /// Makes a batch of edits, or has it explained.
    func run(_ stateMachine: EditStateMachine, until deadline: MonotonicDeadline) async throws(RlimitError)
        -> EditStateMachine.Step
    {
        var stateMachine = stateMachine
        var step = try stateMachine.next()
        while case .send(let request) = step {
            let answer: Result<Reply, RlimitError>
            do throws(RlimitError) {
                answer = .success(try await exchange(request, until: deadline))
            } catch {
                answer = .failure(error)
            }
            step = try stateMachine.receive(answer)
        }
        return step
    }

    func connection(until deadline: MonotonicDeadline) async throws(RlimitError) -> AsyncConnection {
        // The kernel tells nobody when there is room in a listener's backlog again.
        var pause = Duration.milliseconds(1)
        while true {
            if let connection = try connectionIfReady() { return connection }
            if Task.isCancelled { throw .cancelled(socket) }
            let remaining = deadline.remaining ?? .max
            guard remaining > 0 else { throw .timedOut(socket) }
            try? await Task.sleep(for: min(pause, .nanoseconds(remaining)))
            pause = min(pause * 2, .milliseconds(20))
        }
    }

    private func connectionIfReady() throws(RlimitError) -> AsyncConnection? {
        try currentSlot.connection { () throws(RlimitError) in
            // A switch borrows what it looks at; `guard let` would copy it.
            switch try socket.connectIfReady() {
            case .none: return nil
            case .some(let open):
                do throws(SystemError) {
                    return try AsyncConnection(open, at: socket, busyPolling: busyPolling)
                } catch {
                    throw .unreachable(socket, error)
                }
            }
        }
    }
}

extension SharedConnection<AsyncConnection> {
    /// Asks, and says on which connection the answer came, which tells the keeper of its end.
    func perform<Call: AgentCall>(
        _ call: Call, reportingTo renewer: LeaseRenewer, until deadline: MonotonicDeadline
    ) async throws(RlimitError) -> (Call.Value, AsyncConnection) {
        let (reply, connection) = try await exchange(call.request, reportingTo: renewer, until: deadline)
        guard let value = call.value(of: reply) else { throw .unexpectedReply(socket) }
        return (value, connection)
    }

    /// Has a batch of edits made under a lease.
    func lease(
        _ stateMachine: EditStateMachine, reportingTo renewer: LeaseRenewer, until deadline: MonotonicDeadline
    ) async throws(RlimitError) -> (LeaseInfo, AsyncConnection) {
        var stateMachine = stateMachine
        var step = try stateMachine.next()
        while case .send(let request) = step {
            let answer: Result<Reply, RlimitError>
            var connection: AsyncConnection?
            do throws(RlimitError) {
                let (reply, last) = try await exchange(request, reportingTo: renewer, until: deadline)
                answer = .success(reply)
                connection = last
            } catch {
                answer = .failure(error)
            }
            step = try stateMachine.receive(answer)
            if case .leased(let lease) = step, let connection { return (lease, connection) }
        }
        throw .unexpectedReply(socket)
    }

    private func exchange(
        _ request: AgentRequest, reportingTo renewer: LeaseRenewer, until deadline: MonotonicDeadline
    ) async throws(RlimitError) -> (Reply, AsyncConnection) {
        var isRetry = false
        while true {
            let connection = try await connection(until: deadline)
            connection.reportLeases(to: renewer)
            switch await connection.exchange(UntypedCall(request: request), until: deadline) {
            case .success(let reply?): return (reply, connection)
            case .success(nil): throw .unexpectedReply(socket)
            case .failure(let failure): try failure.requireRetryable(of: request, isRetry: isRetry, at: socket)
            }
            isRetry = true
        }
    }
}

extension SharedConnection<BlockingConnection> {
    /// Has a batch of edits made under a lease.
    func lease(_ stateMachine: EditStateMachine, until deadline: MonotonicDeadline) throws(RlimitError) -> LeaseInfo {
        guard case .leased(let lease) = try run(stateMachine, until: deadline) else { throw .unexpectedReply(socket) }
        return lease
    }

    /// Sends a request whose answer nobody waits for, as far as that can be done by then.
    func post(_ request: AgentRequest, until deadline: MonotonicDeadline) {
        guard let connection = try? connection(until: deadline) else { return }
        connection.post(request, until: deadline)
    }
}
