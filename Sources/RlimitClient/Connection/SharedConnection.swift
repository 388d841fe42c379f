import RlimitKernel
import RlimitModel

/// The connection to an agent that all copies of a client share.
///
/// It opens when a call needs it, and again after a restart of the agent. Each process after fork(2) has its own.
final class SharedConnection<Open: Connection>: Sendable {
    let socket: AgentSocket
    /// The duration for which a call polls before it sleeps.
    let busyPolling: Duration
    private let slot = ForkLocal<ConnectionSlot<Open>>()

    init(to socket: AgentSocket, busyPolling: Duration) {
        self.socket = socket
        self.busyPolling = busyPolling
    }

    /// Closes the connection after the calls in progress have ended.
    func close() { currentSlot.disconnect() }

    private var currentSlot: ConnectionSlot<Open> { slot.object { ConnectionSlot($0) } }
}

extension SharedConnection<BlockingConnection> {
    /// Sends a request, opens a connection if needed, and blocks until the response arrives.
    ///
    /// - Throws: The agent's error; `.agentUnreachable`, `.untrustedSocket`, `.connectionLost`,
    ///   `.deadlineExceeded`, `.malformed`.
    func perform<Call: AgentCall>(_ call: Call, until deadline: MonotonicDeadline) throws(RlimitError) -> Call.Value {
        let slot = currentSlot
        var isRetry = false
        while true {
            let connection = try connection(on: slot, until: deadline)
            let outcome =
                if let process = call.request.process {
                    try exchange(call, about: process, on: connection, until: deadline)
                } else {
                    try connection.exchange(call, until: deadline)
                }
            switch outcome {
            case .success(let value?): return value
            case .success(nil): throw .unexpectedReply(socket)
            case .failure(let failure):
                try failure.requireRetryable(of: call.request, isRetry: isRetry, at: socket)
            }
            isRetry = true
        }
    }

    // As the exchange of the connection, with the process named as the agent lets this client.
    private func exchange<Call: AgentCall>(
        _ call: Call, about process: PinnedProcess, on connection: BlockingConnection, until deadline: MonotonicDeadline
    ) throws(RlimitError) -> Result<Call.Value?, ExchangeFailure> {
        if connection.naming.value?.suffices(for: process) != true {
            let answer: Result<AgentInfo?, RlimitError>
            do throws(RlimitError) {
                switch try connection.exchange(AgentInfoCall(), until: deadline) {
                case .success(let info): answer = .success(info)
                case .failure(let failure): return .failure(failure.beforeRequest)
                }
            } catch {
                answer = .failure(error)
            }
            connection.naming.value = try ProcessNaming(answer, from: socket)
        }
        let naming = connection.naming.value ?? .pidfdOnly
        let named = naming.named(call.request, process)
        let outcome: Result<Call.Value?, ExchangeFailure>
        do throws(RlimitError) {
            outcome = try connection.exchange(NamedCall(call: call, request: named.request), until: deadline)
        } catch {
            try named.requireUnreused(after: error)
            throw error
        }
        if case .success = outcome { try named.requireUnreused() }
        return outcome
    }

    /// The open connection, or a new one.
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

    /// As `perform(_:until:)`, for any response.
    func exchange(_ request: AgentRequest, until deadline: MonotonicDeadline) throws(RlimitError) -> Reply {
        try perform(UntypedCall(request: request), until: deadline)
    }

    /// Executes a batch of edits, or an explain of it.
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
    /// Sends a request, opens a connection if needed, and suspends the task until the response arrives.
    ///
    /// - Throws: As the blocking call, and `.cancelled`.
    func perform<Call: AgentCall>(_ call: Call, until deadline: MonotonicDeadline) async throws(RlimitError)
        -> Call.Value
    {
        var isRetry = false
        while true {
            var ready = try connectionIfReady()
            if ready == nil { ready = try await connection(until: deadline) }
            guard let connection = ready else { continue }
            let outcome =
                if let process = call.request.process {
                    try await exchange(call, about: process, on: connection, until: deadline)
                } else {
                    await connection.exchange(call, until: deadline)
                }
            switch outcome {
            case .success(let value?): return value
            case .success(nil): throw .unexpectedReply(socket)
            case .failure(let failure):
                try failure.requireRetryable(of: call.request, isRetry: isRetry, at: socket)
            }
            isRetry = true
        }
    }

    // As the exchange of the connection, with the process named as the agent lets this client.
    private func exchange<Call: AgentCall>(
        _ call: Call, about process: PinnedProcess, on connection: AsyncConnection, until deadline: MonotonicDeadline
    ) async throws(RlimitError) -> Result<Call.Value?, ExchangeFailure> {
        if connection.naming.value?.suffices(for: process) != true {
            let answer: Result<AgentInfo?, RlimitError>
            switch await connection.exchange(AgentInfoCall(), until: deadline) {
            case .success(let info): answer = .success(info)
            case .failure(.failed(let error)): answer = .failure(error)
            case .failure(let failure): return .failure(failure.beforeRequest)
            }
            connection.naming.value = try ProcessNaming(answer, from: socket)
        }
        let naming = connection.naming.value ?? .pidfdOnly
        let named = naming.named(call.request, process)
        let outcome = await connection.exchange(NamedCall(call: call, request: named.request), until: deadline)
        switch outcome {
        case .success: try named.requireUnreused()
        case .failure(.failed(let error)): try named.requireUnreused(after: error)
        case .failure: break
        }
        return outcome
    }

    /// As `perform(_:until:)`, for any response.
    func exchange(_ request: AgentRequest, until deadline: MonotonicDeadline) async throws(RlimitError) -> Reply {
        try await perform(UntypedCall(request: request), until: deadline)
    }

    /// Executes a batch of edits, or an explain of it.
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
        // The kernel does not report when a listener's backlog has room again.
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
            // A switch borrows its value; `guard let` would copy it.
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
    /// Returns the value and the connection of the response. The connection reports its end to the renewer.
    func perform<Call: AgentCall>(
        _ call: Call, reportingTo renewer: LeaseRenewer, until deadline: MonotonicDeadline
    ) async throws(RlimitError) -> (Call.Value, AsyncConnection) {
        let (reply, connection) = try await exchange(call.request, reportingTo: renewer, until: deadline)
        guard let value = call.value(of: reply) else { throw .unexpectedReply(socket) }
        return (value, connection)
    }

    /// Executes a batch of edits under a lease.
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
            let call = UntypedCall(request: request)
            let outcome =
                if let process = request.process {
                    try await exchange(call, about: process, on: connection, until: deadline)
                } else {
                    await connection.exchange(call, until: deadline)
                }
            switch outcome {
            case .success(let reply?): return (reply, connection)
            case .success(nil): throw .unexpectedReply(socket)
            case .failure(let failure): try failure.requireRetryable(of: request, isRetry: isRetry, at: socket)
            }
            isRetry = true
        }
    }
}

extension SharedConnection<BlockingConnection> {
    /// Executes a batch of edits under a lease.
    func lease(_ stateMachine: EditStateMachine, until deadline: MonotonicDeadline) throws(RlimitError) -> LeaseInfo {
        guard case .leased(let lease) = try run(stateMachine, until: deadline) else { throw .unexpectedReply(socket) }
        return lease
    }

    /// Sends a request without waiting for its response. Gives up at the deadline.
    func post(_ request: AgentRequest, until deadline: MonotonicDeadline) {
        guard let connection = try? connection(until: deadline) else { return }
        connection.post(request, until: deadline)
    }
}
