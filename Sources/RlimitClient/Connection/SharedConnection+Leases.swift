import RlimitKernel
import RlimitModel

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
