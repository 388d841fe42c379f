import Logging
import RlimitKernel
import RlimitModel
import RlimitPolicy

// Connections.
extension Agent {
    // What is no session's.
    mutating func handle(_ token: UInt64) {
        switch token {
        case Token.signals: handleSignals()
        case Token.listener: acceptConnections()
        case Token.reloading: endReload()
        case Token.leases: desk.serveLeases(until: .now + Self.errandSlice)
        default: break
        }
        desk.now = .now
    }

    mutating func acceptConnections(within time: Duration = acceptTime, atMost count: Int = acceptsPerTurn) {
        do throws(SystemError) {
            let end = Moment.now + time
            for _ in 0..<count {
                guard let socket = try listener.accept() else { return }
                admit(socket)
                // The listener goes on reporting those who wait.
                guard .now < end else { return }
            }
        } catch {
            // The listener would go on reporting the connection that found no descriptor, so it is put aside for a while.
            log.warning("cannot accept connections: \(error); trying again in \(Self.acceptPause)")
            listen(false)
            acceptsAgainAt = desk.now + Self.acceptPause
        }
    }

    private mutating func admit(_ socket: consuming StreamSocket) {
        if desk.processes.isShort { deliver() }
        var who: PeerHandle
        do throws(SystemError) {
            who = try socket.peer()
        } catch {
            // Whoever the kernel does not vouch for gets nothing: it has gone, or its ids mean nobody here.
            log.debug("turned away whom the kernel does not vouch for: \(error)")
            return
        }
        let peer = who.peer
        let policy = desk.handler.policy
        let free = limits.free(besides: sockets, administrator: policy.isAdministrator(peer))
        guard free > 0 else {
            return turnAway(socket, peer, "the agent has \(sessions.count) connections, and no room for more of others")
        }
        // Nobody has more than are left for everyone else, so whoever comes late still finds a place.
        let limit = min(policy.quota.connections, free)
        let account = tenants.admit(
            Tenant(peer, policy), limit: limit, unplacedLimit: limits.unplaced,
            ratePerSecond: policy.quota.requestsPerSecond, now: desk.now)
        guard let account else {
            return turnAway(socket, peer, "uid \(peer.uid) has \(limit) connections or more, and may have no more now")
        }
        guard let groups = account.groups.share(peer.groups, within: &groupBudget) else {
            tenants.release(account, now: desk.now)
            return turnAway(socket, peer, "the connections of uid \(peer.uid) have too many groups that differ")
        }
        // In memory that it shares with others.
        who.peer.groups = groups
        // A peer that has ended since leaves its requests behind; they are answered "no such process".
        var itself: HeldProcess?
        if let pidfd = who.pidfd.take() { itself = try? desk.processes.hold(KernelProcess(pidfd)) }
        begin(
            Session(
                socket: socket, who.peer, itself: itself, account: account, mayAttach: policy.letsSpeakOfOthers(peer)))
    }

    mutating func listen(_ isListening: Bool) {
        do throws(SystemError) {
            try poller.change(listener.descriptor.number, isListening ? .readable : [], token: Token.listener)
        } catch {
            log.error("cannot tell the poller of the listener: \(error)")
        }
    }

    private mutating func turnAway(_ socket: borrowing StreamSocket, _ peer: Peer, _ why: String) {
        let error = RlimitError(.quotaExceeded, message: why)
        desk.turnAway(socket, error)
        desk.handler.audit.refused(error, to: peer, operation: "connect", target: nil)
    }

    private mutating func begin(_ session: Session) {
        let token = sessions.insert(session)
        session.token = token
        desk.handler.statistics.acceptedConnections += 1
        countConnections()
        do throws(SystemError) {
            try poller.add(session.socket.descriptor.number, .readable, token: token)
        } catch {
            log.error("cannot watch a connection: \(error)")
            end(token, session)
        }
    }

    mutating func end(_ token: UInt64, _ session: Session) {
        // Closing the socket takes it out of the poller too.
        guard sessions.remove(token) else { return }
        // The agent after this one goes on with what was lent to those who are connected to this one.
        if drainsUntil == nil { desk.endLeases(of: session) }
        desk.end(session)
        session.account.groups.release(session.peer.groups, to: &groupBudget)
        tenants.release(session.account, now: desk.now)
        countConnections()
    }

    // Those of connections, also of some that are over.
    private var sockets: Int { sessions.count + StreamSocket.beingClosed }

    mutating func countConnections() {
        desk.handler.statistics.connections = UInt64(sessions.count)
        desk.processes.room = desk.budget.room(besides: sockets)
    }
}
