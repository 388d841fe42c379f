import RlimitModel

/// The reason why one exchange of a request produced no response.
enum ExchangeFailure: Error, Sendable {
    /// The agent's error, or the reason why the call no longer waits.
    case failed(RlimitError)
    /// The connection ended before the agent had received the whole request, so the agent cannot have acted.
    case unsent(RlimitError)
    /// The connection ended before the response arrived. The agent may have acted.
    case unanswered(RlimitError)

    /// - Parameter isSent: Whether the agent may have received the whole request.
    init(connectionClosed reason: RlimitError, isSent: Bool) {
        guard reason.code == .connectionLost else {
            self = .failed(reason)
            return
        }
        self = isSent ? .unanswered(reason) : .unsent(reason)
    }

    /// This failure of an exchange that precedes a request, as the failure of that request, which was not sent.
    var beforeRequest: ExchangeFailure {
        guard case .unanswered(let error) = self else { return self }
        return .unsent(error)
    }

    /// Returns if the request may be sent once more, on a new connection: the agent cannot have acted on it, or it only
    /// reads. An edit that may have been made is never sent again.
    ///
    /// - Throws: The reason of the failure otherwise.
    func requireRetryable(of request: AgentRequest, isRetry: Bool, at socket: AgentSocket) throws(RlimitError) {
        switch self {
        case .failed(let error):
            throw error
        case .unsent(let error):
            guard !isRetry else { throw .unreachable(socket, closedImmediately: error) }
        case .unanswered(let error):
            guard !isRetry, request.isReadOnly else { throw error }
        }
    }
}
