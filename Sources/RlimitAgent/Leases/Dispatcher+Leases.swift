import RlimitKernel
import RlimitModel
import RlimitPolicy

// Leases of real processes, each held by its pidfd for as long as it has some.
extension Dispatcher {
    /// How long connections that an agent before this one had may take to come back for their leases.
    private static let reclaimTimeout: Duration = .seconds(30)

    mutating func requester(_ session: Session) throws(RlimitError) -> LeaseRequester {
        LeaseRequester(
            session.peer, process: try peerProcess(of: session)?.birth, session: session.token, policy: handler.policy)
    }

    /// The answer to a request about leases.
    mutating func reply(aboutLeases request: Request, for session: Session) throws(RlimitError) -> Reply {
        let requester = try requester(session)
        if request.operation == .leaseList { return try handler.leases(request, for: requester) }
        let birth = try handler.leasedProcess(of: request)
        guard let cached = try leasedProcess(birth) else {
            dropLeases(birth)
            throw RlimitError(.leaseEnded, message: "the lease has ended with its process")
        }
        defer { updateLeaseWatch(birth) }
        return try handler.handle(
            request, from: requester, on: cached.process, isPeer: try session.isPeer(cached.process))
    }

    /// A process may have got its first lease, or lost its last one.
    mutating func updateLeaseWatch(_ birth: ProcessIdentity) {
        if handler.hasLeases(of: birth) {
            do throws(RlimitError) {
                if leaseEvents[birth] == nil, try leasedProcess(birth) == nil { _ = handler.processEnded(birth) }
            } catch {
                handler.leases.logError("\(error)")
            }
        } else if let cached = leaseEvents.remove(birth) {
            processes.release(cached)
        }
        armLeaseTimer()
    }

    // A process has ended. Of many leases some are left, for which `leases` stays readable.
    private mutating func dropLeases(_ birth: ProcessIdentity, until end: BootInstant = .now + .microseconds(200)) {
        _ = handler.processEnded(birth, until: end)
        updateLeaseWatch(birth)
    }

    /// The loop is woken when the next lease ends.
    mutating func armLeaseTimer() {
        let next = handler.nextLeaseExpiry()
        do throws(SystemError) { try leaseEvents.wake(at: next) } catch {
            handler.logLeaseError("cannot set the timer", error)
        }
    }

    // nil: it has ended. Leases may be older than this agent.
    //
    // Throws where nobody can tell: what was lent to a process that lives is not to be forgotten.
    private mutating func leasedProcess(_ birth: ProcessIdentity) throws(RlimitError) -> CachedProcess? {
        if let cached = leaseEvents[birth] { return cached.process.hasEnded ? nil : cached }
        while let cached = try acquireIfRunning(birth.pid) {
            do throws(RlimitError) {
                if try cached.process.birth() == birth {
                    try watch(birth, cached)
                    return cached
                }
            } catch {
                guard cached.process.hasEnded else {
                    processes.release(cached)
                    throw error
                }
            }
            let isOld = cached.process.hasEnded
            processes.release(cached)
            guard isOld else { return nil }
            // Somebody still speaks of one that had the number before.
            processes.evict(cached)
        }
        return nil
    }

    private mutating func acquireIfRunning(_ pid: Int32) throws(RlimitError) -> CachedProcess? {
        do throws(RlimitError) { return try processes.acquire(pid) } catch {
            guard error.code == .noSuchProcess else { throw error }
            return nil
        }
    }

    private mutating func watch(_ birth: ProcessIdentity, _ cached: CachedProcess) throws(RlimitError) {
        do throws(SystemError) { try leaseEvents.insert(birth, cached) } catch {
            throw RlimitError(
                .internalError, errno: error.number, message: "process \(birth.pid) cannot be watched: \(error)")
        }
    }

    /// Does what is to be done about leases, until it takes too long. What is left keeps `leases` readable.
    mutating func processLeaseEvents(until end: BootInstant) {
        do throws(SystemError) {
            for birth in try leaseEvents.ended() {
                dropLeases(birth, until: end)
                if BootInstant.now >= end { return }
            }
        } catch {
            handler.logLeaseError("cannot look for processes that have ended", error)
        }
        while let due = handler.nextExpired() {
            do throws(RlimitError) {
                if let cached = try leasedProcess(due.process) {
                    _ = handler.restoreLimits(due.id, on: cached.process)
                    updateLeaseWatch(due.process)
                } else {
                    dropLeases(due.process, until: end)
                }
            } catch {
                handler.leases.logError("\(error)")
                handler.postpone(due.id)
            }
            if BootInstant.now >= end { return }
        }
        armLeaseTimer()
    }

    /// A connection has closed: what was lent as long as it lasts is due.
    mutating func expireLeases(of session: Session) {
        guard !handler.leases.table.isEmpty else { return }
        handler.disconnected(session.token)
        armLeaseTimer()
    }

    /// Takes over what an agent before this one has lent.
    mutating func adoptLeases() throws(SystemError) {
        var known: [ProcessIdentity: [Lease]] = [:]
        for lease in try handler.leases.load() { known[lease.process, default: []].append(lease) }
        for (birth, leases) in known {
            guard handler.leases.table.hasRoomForProcess else {
                handler.leaveUnmanaged(leases, "this agent has too few descriptors to look after more processes")
                continue
            }
            do throws(RlimitError) {
                if let cached = try leasedProcess(birth) {
                    let limits = try cached.process.read(ResourceSet(Resource.leasable))
                    handler.adopt(leases, limits: limits, reclaimTimeout: Self.reclaimTimeout)
                } else {
                    handler.adoptEnded(leases)
                }
            } catch {
                // They are still written down: the agent after this one may know more.
                handler.leaveUnmanaged(leases, "\(error)")
            }
            updateLeaseWatch(birth)
        }
    }
}
