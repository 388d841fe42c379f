import RlimitKernel
import RlimitModel

// What sessions hold beside their sockets: as much as there is room for. Where it runs short, those that asked nothing for longest
// give up what they can have again.
extension Desk {
    /// The process that connected; nil where it has ended, or has no number in the agent's PID namespace.
    ///
    /// - Throws: Where nobody can tell.
    mutating func itself(of session: Session) throws(RlimitError) -> HeldProcess? {
        if let itself = session.itself { return itself }
        guard let process = try session.regainedPeer() else { return nil }
        let itself = processes.hold(process)
        session.hold(itself: itself)
        return itself
    }

    /// The process that has this number now, which the session holds from now on instead of another.
    mutating func name(_ pid: Int32, for session: Session) throws(RlimitError) -> HeldProcess {
        unname(session)
        // Whether the one that is named is the peer is told by their being one.
        if pid == session.peer.pid { _ = try itself(of: session) }
        let named = try processes.hold(pid)
        session.hold(named: named)
        return named
    }

    mutating func unname(_ session: Session) {
        guard let named = session.named else { return }
        session.hold(named: nil)
        processes.release(named)
    }

    // Nothing of it may be under way in this turn.
    private mutating func giveUp(_ session: Session) {
        unname(session)
        if session.canRegainPeer { letGoOfPeer(session) }
    }

    private mutating func letGoOfPeer(_ session: Session) {
        guard let itself = session.itself else { return }
        session.hold(itself: nil)
        processes.release(itself)
    }

    /// A session has ended.
    mutating func releaseAll(of session: Session) {
        unname(session)
        letGoOfPeer(session)
    }

    /// Makes room for some more to be held, between two turns. No tenant that holds no more than its share gives up anything, so
    /// nobody takes from others but what is beyond theirs.
    mutating func makeRoom(among sessions: inout SessionTable, tenants: Int) {
        let share = budget.share(besides: sessions.count, tenants: tenants)
        // Who asked something since the last time round is passed over once.
        var looks = 2 * sessions.round
        while processes.count.all > processes.room - budget.batch, looks > 0 {
            looks -= 1
            guard let session = sessions.next(), session.account.held > share, !session.wasBusy() else { continue }
            giveUp(session)
        }
        processes.look()
    }

    /// A descriptor waits for the rest of its frame beyond the turn in which it came.
    mutating func keepAttachment(of session: Session) {
        guard var attached = session.attached.take() else { return }
        guard attached.place == nil else {
            session.attached = consume attached
            return
        }
        // As with connections: nobody has more than are left for all others.
        let free = budget.attachments - processes.count.attachments
        guard session.account.attachments < free else {
            return fault(
                session,
                RlimitError(.quotaExceeded, message: "too many descriptors wait for the rest of their frames"))
        }
        attached.place = AttachmentPlace(processes.count, session.account)
        session.attached = consume attached
        processes.look()
    }
}
