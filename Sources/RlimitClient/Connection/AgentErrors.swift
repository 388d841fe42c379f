import RlimitKernel
import RlimitModel

extension RlimitError {
    static func timedOut(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.deadlineExceeded, message: "no answer in time from the agent at \(socket)")
    }

    static func cancelled(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.cancelled, message: "the task was cancelled before the agent at \(socket) had answered")
    }

    static func connectionLost(_ socket: AgentSocket, _ why: String) -> RlimitError {
        RlimitError(.connectionLost, message: "the connection to the agent at \(socket) was lost: \(why)")
    }

    static func protocolViolation(_ socket: AgentSocket, _ why: String) -> RlimitError {
        RlimitError(.malformed, message: "what answers at \(socket) does not speak the rlimitd protocol: \(why)")
    }

    /// The agent answered, but not what it was asked.
    static func unexpectedReply(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.malformed, message: "the agent at \(socket) answered something else than it was asked")
    }

    /// connect(2) to the agent failed.
    static func unreachable(_ socket: AgentSocket, _ error: SystemError) -> RlimitError {
        let advice =
            switch error.cause {
            // The unit is about the standard socket; whoever listens at another is started in another way.
            case .noEntry, .refused:
                socket.path == AgentSocket.standardPath ? "; start it with: systemctl start rlimitd" : ""
            case .nameTooLong: "; a socket's path has at most 107 bytes"
            case .noAccess: "; the socket or its folder does not let this user in"
            default: ""
            }
        guard error.cause != .timedOut else { return .timedOut(socket) }
        return RlimitError(
            .agentUnreachable, errno: error.number, message: "no agent answers at \(socket) (\(error))\(advice)")
    }

    /// It let us in twice and closed both times before it had read the request.
    static func unreachable(_ socket: AgentSocket, closedImmediately error: RlimitError) -> RlimitError {
        RlimitError(
            .agentUnreachable, errno: error.errno, message: "the agent at \(socket) hangs up: \(error.message)")
    }
}
