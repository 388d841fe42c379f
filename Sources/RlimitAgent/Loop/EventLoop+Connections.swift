import Logging
import RlimitKernel
import RlimitModel
import RlimitPolicy

// Connections.
extension EventLoop {
    // What is no session's.
    mutating func handleInternalEvent(_ token: UInt64) {
        switch token {
        case Token.signals: handleSignals()
        case Token.listener: acceptConnections()
        case Token.policyReload: finishReload()
        case Token.leases: dispatcher.processLeaseEvents(until: .now + Self.longRequestSlice)
        default: break
        }
        dispatcher.now = .now
    }

    mutating func acceptConnections(within time: Duration = maxAcceptTime, atMost count: Int = maxAcceptsPerIteration) {
        do throws(SystemError) {
            let end = BootInstant.now + time
            for _ in 0..<count {
                guard let socket = try listener.accept() else { return }
                admitConnection(socket)
                // The listener goes on reporting those who wait.
                guard .now < end else { return }
            }
        } catch {
            // The listener would go on reporting the connection that found no descriptor, so it is put aside for a while.
            log.warning("cannot accept connections: \(error); trying again in \(Self.acceptRetryDelay)")
            listen(false)
            acceptResumesAt = dispatcher.now + Self.acceptRetryDelay
        }
    }

    private mutating func admitConnection(_ socket: consuming StreamSocket) {
        if dispatcher.processes.isOverCapacity { deliverResponses() }
        var accepted: AcceptedPeer
        do throws(SystemError) {
            accepted = try socket.peer()
        } catch {
            // Whoever the kernel does not vouch for gets nothing: it has gone, or its ids mean nobody here.
            log.debug("turned away whom the kernel does not vouch for: \(error)")
            return
        }
        let peer = accepted.peer
        let policy = dispatcher.handler.policy
        let available = limits.availableConnections(besides: openSockets, administrator: policy.isAdministrator(peer))
        guard available > 0 else {
            return reject(
                socket, peer,
                RlimitError(
                    .quotaExceeded,
                    message: "the agent has \(sessions.count) connections, and no room for more of others"))
        }
        // Nobody has more than are left for everyone else, so whoever comes late still finds a place.
        let limit = min(policy.quota.connections, available)
        let tenantUsage = tenants.addConnection(
            Tenant(peer, policy), limit: limit, unknownContainerLimit: limits.unknownContainer,
            ratePerSecond: policy.quota.requestsPerSecond, now: dispatcher.now)
        guard let tenantUsage else {
            return reject(socket, peer, .tooManyConnections(uid: peer.uid, limit: limit))
        }
        guard let groups = tenantUsage.groups.intern(peer.groups, within: &groupBudget) else {
            tenants.removeConnection(tenantUsage, now: dispatcher.now)
            return reject(
                socket, peer,
                RlimitError(
                    .quotaExceeded, message: "the connections of uid \(peer.uid) have too many groups that differ"))
        }
        // In memory that it shares with others.
        accepted.peer.groups = groups
        // A peer that has ended since leaves its requests behind; they are answered "no such process".
        var peerProcess: CachedProcess?
        if let pidfd = accepted.pidfd.take() { peerProcess = try? dispatcher.processes.acquire(LinuxProcess(pidfd)) }
        register(
            Session(
                socket: socket, accepted.peer, peerProcess: peerProcess, tenantUsage: tenantUsage,
                mayAttachPidfd: policy.mayTargetOthers(peer)))
    }

    mutating func listen(_ isListening: Bool) {
        do throws(SystemError) {
            try poller.change(listener.descriptor.number, isListening ? .readable : [], token: Token.listener)
        } catch {
            log.error("cannot tell the poller of the listener: \(error)")
        }
    }

    private mutating func reject(_ socket: borrowing StreamSocket, _ peer: Peer, _ error: RlimitError) {
        dispatcher.reject(socket, error)
        dispatcher.handler.audit.refused(error, to: peer, operation: "connect", target: nil)
    }

    private mutating func register(_ session: Session) {
        let token = sessions.insert(session)
        session.token = token
        dispatcher.handler.statistics.acceptedConnections += 1
        countConnections()
        do throws(SystemError) {
            try poller.add(session.socket.descriptor.number, .readable, token: token)
        } catch {
            log.error("cannot watch a connection: \(error)")
            closeSession(token, session)
        }
    }

    mutating func closeSession(_ token: UInt64, _ session: Session) {
        // Closing the socket takes it out of the poller too.
        guard sessions.remove(token) else { return }
        // The agent after this one goes on with what was lent to those who are connected to this one.
        if drainsUntil == nil { dispatcher.expireLeases(of: session) }
        dispatcher.releaseResources(of: session)
        session.tenantUsage.groups.release(session.peer.groups, to: &groupBudget)
        tenants.removeConnection(session.tenantUsage, now: dispatcher.now)
        countConnections()
    }

    // Those of connections, also of some that are over.
    private var openSockets: Int { sessions.count + StreamSocket.pendingCloseCount }

    mutating func countConnections() {
        dispatcher.handler.statistics.connections = UInt64(sessions.count)
        dispatcher.processes.capacity = dispatcher.budget.cacheCapacity(besides: openSockets)
    }
}
