import RlimitKernel

/// Ended sessions whose peers have not read the last responses.
///
/// The kernel keeps these responses until the peer reads them or closes its end, in memory of the agent's cgroup. Until
/// then the session counts as a connection of its tenant, so that a peer gains nothing by being ended. It holds nothing
/// but its socket.
struct LingeringSessions {
    private var sessions: [Session] = []
    private var cursor = 0

    var count: Int { sessions.count }
    var isEmpty: Bool { sessions.isEmpty }

    mutating func append(_ session: Session) { sessions.append(session) }

    /// Checks some of the sessions, in turn.
    ///
    /// - Returns: Those whose peers have read everything. They are removed.
    mutating func removeFinished(checking count: Int) -> [Session] {
        var finished: [Session] = []
        for _ in 0..<min(count, sessions.count) {
            if cursor >= sessions.count { cursor = 0 }
            if sessions[cursor].socket.unreadMemory > 0 {
                cursor += 1
            } else {
                sessions.swapAt(cursor, sessions.count - 1)
                finished.append(sessions.removeLast())
            }
        }
        return finished
    }
}
