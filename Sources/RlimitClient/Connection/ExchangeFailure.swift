import RlimitModel

/// Why a request that was sent once brought nothing.
enum ExchangeFailure: Error, Sendable {
    /// What the agent answered, or why nobody waits for that any more.
    case failed(RlimitError)
    /// The connection ended before the agent had all of it: it cannot have acted.
    case unsent(RlimitError)
    /// The connection ended before the answer came: the agent may have acted.
    case unanswered(RlimitError)

    /// Returns where the request is to be sent once more, on a new connection: one that the agent cannot have acted on, or
    /// that only reads. An edit that may have been made never is.
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
