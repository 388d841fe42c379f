import RlimitKernel
import RlimitModel

// The messages of failures between the client and the agent.
extension RlimitError {
    static func timedOut(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.deadlineExceeded, message: "no answer in time from the agent at \(socket)")
    }

    static func cancelled(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.cancelled, message: "the task was cancelled before the agent at \(socket) responded")
    }

    static func connectionLost(_ socket: AgentSocket, _ reason: String) -> RlimitError {
        RlimitError(.connectionLost, message: "the connection to the agent at \(socket) was lost: \(reason)")
    }

    /// The client has closed the connection.
    static func closedByClient(_ socket: AgentSocket) -> RlimitError { connectionLost(socket, "the client closed it") }

    static func protocolViolation(_ socket: AgentSocket, _ reason: String) -> RlimitError {
        RlimitError(.malformed, message: "the server at \(socket) does not speak the rlimitd protocol: \(reason)")
    }

    /// A part of a response has the wrong kind, or the response is complete already.
    static func partDoesNotContinue(_ socket: AgentSocket) -> RlimitError {
        protocolViolation(socket, "a part of a response does not continue the earlier parts")
    }

    static func unexpectedReply(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.malformed, message: "the agent at \(socket) sent a response that does not fit the request")
    }

    static func untrusted(_ socket: AgentSocket, _ reason: String) -> RlimitError {
        RlimitError(.untrustedSocket, message: "the agent's socket \(socket) is not trusted: \(reason)")
    }

    /// connect(2) to the agent failed.
    static func unreachable(_ socket: AgentSocket, _ error: SystemError) -> RlimitError {
        let advice =
            switch error.cause {
            // The systemd unit listens at the standard path only.
            case .noEntry, .refused:
                socket.path == AgentSocket.standardPath ? "; start it with: systemctl start rlimitd" : ""
            case .nameTooLong: "; the path of a socket has at most 107 bytes"
            case .noAccess: "; the socket or its directory denies access to this user"
            default: ""
            }
        guard error.cause != .timedOut else { return .timedOut(socket) }
        return RlimitError(
            .agentUnreachable, errno: error.number, message: "no agent answers at \(socket) (\(error))\(advice)")
    }

    /// The agent accepted two connections, and closed each before it read the request.
    static func unreachable(_ socket: AgentSocket, closedImmediately error: RlimitError) -> RlimitError {
        RlimitError(
            .agentUnreachable, errno: error.errno,
            message: "the agent at \(socket) closes every connection: \(error.message)")
    }
}
