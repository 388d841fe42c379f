/// The sessions that the next iteration of the event loop serves without an event: those with complete frames, and
/// those that were deferred because their tenant's time was used up.
struct Backlog {
    private var tokens: [UInt64] = []

    var isEmpty: Bool { tokens.isEmpty }

    /// Adds a session once: otherwise each turn would add one more turn.
    mutating func append(_ session: Session) {
        if !session.isInBacklog { tokens.append(session.token) }
        session.isInBacklog = true
    }

    /// Removes the tokens of all sessions, and returns them.
    mutating func takeAll() -> [UInt64] {
        let taken = tokens
        tokens.removeAll(keepingCapacity: true)
        return taken
    }
}
