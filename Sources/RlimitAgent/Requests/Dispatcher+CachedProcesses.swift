import RlimitKernel
import RlimitModel

// What sessions hold beside their sockets: as much as there is room for. Where it runs short, those that asked nothing for longest
// give up what they can have again.
extension Dispatcher {
    /// The process that connected; nil where it has ended, or has no number in the agent's PID namespace.
    ///
    /// - Throws: Where nobody can tell.
    mutating func peerProcess(of session: Session) throws(RlimitError) -> CachedProcess? {
        if let peerProcess = session.peerProcess { return peerProcess }
        guard let process = try session.reopenPeer() else { return nil }
        let peerProcess = processes.acquire(process)
        session.cache(peerProcess: peerProcess)
        return peerProcess
    }

    /// The process that has this number now, which the session holds from now on instead of another.
    mutating func acquireNamedProcess(_ pid: Int32, for session: Session) throws(RlimitError) -> CachedProcess {
        releaseNamedProcess(session)
        // Whether the one that is named is the peer is told by their being one.
        if pid == session.peer.pid { _ = try peerProcess(of: session) }
        let lastNamedProcess = try processes.acquire(pid)
        session.cache(lastNamed: lastNamedProcess)
        return lastNamedProcess
    }

    mutating func releaseNamedProcess(_ session: Session) {
        guard let lastNamedProcess = session.lastNamedProcess else { return }
        session.cache(lastNamed: nil)
        processes.release(lastNamedProcess)
    }

    // Nothing of it may be under way in this turn.
    private mutating func evictProcesses(_ session: Session) {
        releaseNamedProcess(session)
        if session.canReopenPeer { releasePeerProcess(session) }
    }

    private mutating func releasePeerProcess(_ session: Session) {
        guard let peerProcess = session.peerProcess else { return }
        session.cache(peerProcess: nil)
        processes.release(peerProcess)
    }

    /// A session has ended.
    mutating func releaseProcesses(of session: Session) {
        releaseNamedProcess(session)
        releasePeerProcess(session)
    }

    /// Makes room for some more to be held, between two turns. No tenant that holds no more than its share gives up anything, so
    /// nobody takes from others but what is beyond theirs.
    mutating func evictIdleProcesses(among sessions: inout SessionTable, tenants: Int) {
        let share = budget.fairShare(besides: sessions.count, tenants: tenants)
        // Who asked something since the last time round is passed over once.
        var remainingChecks = 2 * sessions.slotCount
        while processes.descriptorCount.total > processes.capacity - budget.evictionBatch, remainingChecks > 0 {
            remainingChecks -= 1
            guard let session = sessions.next(), session.tenantUsage.cachedProcesses > share,
                !session.hasReadSinceLastCheck()
            else { continue }
            evictProcesses(session)
        }
        processes.updateShortage()
    }

    /// A descriptor waits for the rest of its frame beyond the turn in which it came.
    mutating func keepReceivedDescriptor(of session: Session) {
        guard var receivedDescriptor = session.receivedDescriptor.take() else { return }
        guard receivedDescriptor.slot == nil else {
            session.receivedDescriptor = consume receivedDescriptor
            return
        }
        // As with connections: nobody has more than are left for all others.
        let free = budget.maxReceivedDescriptors - processes.descriptorCount.receivedDescriptors
        guard session.tenantUsage.receivedDescriptors < free else {
            return failSession(
                session,
                RlimitError(.quotaExceeded, message: "too many descriptors wait for the rest of their frames"))
        }
        receivedDescriptor.slot = ReceivedDescriptorSlot(processes.descriptorCount, session.tenantUsage)
        session.receivedDescriptor = consume receivedDescriptor
        processes.updateShortage()
    }
}
