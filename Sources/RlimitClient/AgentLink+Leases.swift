import RlimitKernel
import RlimitModel

extension AgentLink<TaskConnection> {
    /// Asks, and says on which connection the answer came, which tells the keeper of its end.
    func ask<Asked: Question>(
        _ question: Asked, reportingTo keeper: LeaseKeeper, until deadline: Deadline
    ) async throws(RlimitError) -> (Asked.Value, TaskConnection) {
        let (reply, connection) = try await exchange(question.inquiry, reportingTo: keeper, until: deadline)
        guard let value = question.value(of: reply) else { throw .otherAnswer(socket) }
        return (value, connection)
    }

    /// Has a batch of edits made under a lease.
    func lease(
        _ course: EditCourse, reportingTo keeper: LeaseKeeper, until deadline: Deadline
    ) async throws(RlimitError) -> (LeaseInfo, TaskConnection) {
        var course = course
        var step = try course.next()
        while case .ask(let inquiry) = step {
            let answer: Result<Reply, RlimitError>
            var connection: TaskConnection?
            do throws(RlimitError) {
                let (reply, last) = try await exchange(inquiry, reportingTo: keeper, until: deadline)
                answer = .success(reply)
                connection = last
            } catch {
                answer = .failure(error)
            }
            step = try course.take(answer)
            if case .leased(let lease) = step, let connection { return (lease, connection) }
        }
        throw .otherAnswer(socket)
    }

    private func exchange(
        _ inquiry: Inquiry, reportingTo keeper: LeaseKeeper, until deadline: Deadline
    ) async throws(RlimitError) -> (Reply, TaskConnection) {
        var isSecondTry = false
        while true {
            let connection = try await connection(until: deadline)
            connection.report(to: keeper)
            switch await connection.exchange(OpenQuestion(inquiry: inquiry), until: deadline) {
            case .success(let reply?): return (reply, connection)
            case .success(nil): throw .otherAnswer(socket)
            case .failure(let ending): try ending.requireAnotherTry(of: inquiry, isSecondTry: isSecondTry, at: socket)
            }
            isSecondTry = true
        }
    }
}

extension AgentLink<AgentConnection> {
    /// Has a batch of edits made under a lease.
    func lease(_ course: EditCourse, until deadline: Deadline) throws(RlimitError) -> LeaseInfo {
        guard case .leased(let lease) = try run(course, until: deadline) else { throw .otherAnswer(socket) }
        return lease
    }

    /// Sends a request whose answer nobody waits for, as far as that can be done by then.
    func post(_ inquiry: Inquiry, until deadline: Deadline) {
        guard let connection = try? connection(until: deadline) else { return }
        connection.post(inquiry, until: deadline)
    }
}
