import RlimitModel

/// What came of sending one request.
enum Outcome: Sendable {
    case reply(Reply)
    /// What the agent answered, or why nobody waits for that any more.
    case failed(RlimitError)
    /// The connection ended before the agent had all of it: it cannot have acted.
    case unsent(RlimitError)
    /// The connection ended before the answer came: the agent may have acted.
    case unanswered(RlimitError)

    /// The reply; nil where the request is to be sent once more, on a new connection: one that the agent cannot have acted
    /// on, or that only reads. An edit that may have been made never is.
    func reply(to inquiry: Inquiry, isSecondTry: Bool, at socket: AgentSocket) throws(RlimitError) -> Reply? {
        switch self {
        case .reply(let reply):
            return reply
        case .failed(let error):
            throw error
        case .unsent(let error):
            guard !isSecondTry else { throw .unreachable(socket, hangsUp: error) }
        case .unanswered(let error):
            guard !isSecondTry, inquiry.onlyReads else { throw error }
        }
        return nil
    }
}
