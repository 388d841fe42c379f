import RlimitKernel
import RlimitModel

/// The way to an agent, which all copies of a client share: makes the connection when it is needed, makes it again when the
/// agent was restarted, and gives each process its own.
final class AgentLink<Open: Connection>: Sendable {
    let socket: AgentSocket
    /// How long to poll for an answer before sleeping.
    let busyPolling: Duration
    private let line = OfThisProcess<ProcessLine<Open>>()

    init(to socket: AgentSocket, busyPolling: Duration) {
        self.socket = socket
        self.busyPolling = busyPolling
    }

    /// Lets go of the connection; it closes once nobody waits for an answer on it.
    func close() { lineOfThisProcess.hangUp() }

    private var lineOfThisProcess: ProcessLine<Open> { line.object { ProcessLine($0) } }
}

extension AgentLink<AgentConnection> {
    /// Asks the agent, on a connection that is made if there is none, and blocks until it has answered.
    ///
    /// - Throws: What the agent answered; `.agentUnreachable`, `.untrustedSocket`, `.connectionLost`,
    ///   `.deadlineExceeded`, `.malformed`.
    func ask<Asked: Question>(_ question: Asked, until deadline: Deadline) throws(RlimitError) -> Asked.Value {
        let line = lineOfThisProcess
        var isSecondTry = false
        while true {
            let connection = try connection(on: line, until: deadline)
            switch try connection.exchange(question, until: deadline) {
            case .success(let value?): return value
            case .success(nil): throw .otherAnswer(socket)
            case .failure(let ending):
                try ending.requireAnotherTry(of: question.inquiry, isSecondTry: isSecondTry, at: socket)
            }
            isSecondTry = true
        }
    }

    /// The connection, which is made if there is none.
    func connection(until deadline: Deadline) throws(RlimitError) -> AgentConnection {
        try connection(on: lineOfThisProcess, until: deadline)
    }

    private func connection(
        on line: ProcessLine<AgentConnection>, until deadline: Deadline
    ) throws(RlimitError) -> AgentConnection {
        try line.connection(to: socket, until: deadline) { () throws(RlimitError) in
            AgentConnection(try socket.connect(until: deadline), at: socket, busyPolling: busyPolling)
        }
    }

    /// The same of whatever the agent may answer.
    func call(_ inquiry: Inquiry, until deadline: Deadline) throws(RlimitError) -> Reply {
        try ask(OpenQuestion(inquiry: inquiry), until: deadline)
    }

    /// Makes a batch of edits, or has it explained.
    func run(_ course: EditCourse, until deadline: Deadline) throws(RlimitError) -> EditCourse.Step {
        var course = course
        var step = try course.next()
        while case .ask(let inquiry) = step {
            let answer: Result<Reply, RlimitError>
            do throws(RlimitError) {
                answer = .success(try call(inquiry, until: deadline))
            } catch {
                answer = .failure(error)
            }
            step = try course.take(answer)
        }
        return step
    }
}

extension AgentLink<TaskConnection> {
    /// Asks the agent, on a connection that is made if there is none, and suspends the task until it has answered.
    ///
    /// - Throws: As for threads, and `.cancelled`.
    func ask<Asked: Question>(_ question: Asked, until deadline: Deadline) async throws(RlimitError) -> Asked.Value {
        var isSecondTry = false
        while true {
            var ready = try connectionIfReady()
            if ready == nil { ready = try await connection(until: deadline) }
            guard let connection = ready else { continue }
            switch await connection.exchange(question, until: deadline) {
            case .success(let value?): return value
            case .success(nil): throw .otherAnswer(socket)
            case .failure(let ending):
                try ending.requireAnotherTry(of: question.inquiry, isSecondTry: isSecondTry, at: socket)
            }
            isSecondTry = true
        }
    }

    /// The same of whatever the agent may answer.
    func call(_ inquiry: Inquiry, until deadline: Deadline) async throws(RlimitError) -> Reply {
        try await ask(OpenQuestion(inquiry: inquiry), until: deadline)
    }

    /// Makes a batch of edits, or has it explained.
    func run(_ course: EditCourse, until deadline: Deadline) async throws(RlimitError) -> EditCourse.Step {
        var course = course
        var step = try course.next()
        while case .ask(let inquiry) = step {
            let answer: Result<Reply, RlimitError>
            do throws(RlimitError) {
                answer = .success(try await call(inquiry, until: deadline))
            } catch {
                answer = .failure(error)
            }
            step = try course.take(answer)
        }
        return step
    }

    func connection(until deadline: Deadline) async throws(RlimitError) -> TaskConnection {
        // The kernel tells nobody when there is room in a listener's backlog again.
        var pause = Duration.milliseconds(1)
        while true {
            if let connection = try connectionIfReady() { return connection }
            if Task.isCancelled { throw .cancelled(socket) }
            let left = deadline.left ?? .max
            guard left > 0 else { throw .late(socket) }
            try? await Task.sleep(for: min(pause, .nanoseconds(left)))
            pause = min(pause * 2, .milliseconds(20))
        }
    }

    private func connectionIfReady() throws(RlimitError) -> TaskConnection? {
        try lineOfThisProcess.connection { () throws(RlimitError) in
            // A switch borrows what it looks at; `guard let` would copy it.
            switch try socket.connectIfReady() {
            case .none: return nil
            case .some(let open):
                do throws(SystemError) {
                    return try TaskConnection(open, at: socket, busyPolling: busyPolling)
                } catch {
                    throw .unreachable(socket, error)
                }
            }
        }
    }
}
