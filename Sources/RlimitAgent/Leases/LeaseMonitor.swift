import RlimitKernel
import RlimitModel

/// Ends the leases of real processes: at their time, with their connections and with their processes.
///
/// Each process that has leases is held by a pidfd and watched until its last lease has ended.
struct LeaseMonitor: ~Copyable {
    private var events: LeaseEvents
    // Processes that have leases and that could not be watched.
    private var unwatched: Set<ProcessIdentity> = []

    /// The time in which leases of one ended process are removed within a request.
    private static let removalTime: Duration = .microseconds(200)

    init() throws(SystemError) { events = try LeaseEvents() }

    /// Readable while a lease is due or a leased process has ended.
    var descriptor: Int32 { events.descriptor }

    /// The reply to a request that lists, renews or releases leases.
    mutating func reply(
        to request: Request, from requester: LeaseRequester, over session: Session, _ handler: inout RequestHandler,
        _ processes: inout ProcessCache
    ) throws(RlimitError) -> Reply {
        if request.operation == .leaseList { return try handler.listLeases(request, for: requester) }
        let identity = try handler.leases.process(ofLeaseIn: request)
        guard let cached = try running(identity, &processes) else {
            dropLeases(of: identity, until: .now + Self.removalTime, &handler.leases, &processes)
            throw .leasedProcessEnded
        }
        defer { update(identity, &handler.leases, &processes) }
        return try handler.handle(
            request, from: requester, on: cached.process, isPeer: try session.isPeer(cached.process))
    }

    /// Watches a process that has its first lease, and stops watching one that has lost its last lease.
    mutating func update(_ identity: ProcessIdentity, _ leases: inout LeaseManager, _ processes: inout ProcessCache) {
        unwatched.remove(identity)
        if leases.hasLeases(of: identity) {
            do throws(RlimitError) {
                if events[identity] == nil, try running(identity, &processes) == nil {
                    _ = leases.processEnded(identity)
                }
            } catch {
                unwatched.insert(identity)
                leases.logError("\(error)")
            }
        } else if let cached = events.remove(identity) {
            processes.release(cached)
        }
        armTimer(&leases)
    }

    /// Watches the process that a lease was granted to. After a watch has failed, the next request about the process
    /// repeats it.
    mutating func update(
        after operation: Request.Operation, on pid: Int32, _ leases: inout LeaseManager, _ processes: inout ProcessCache
    ) {
        guard operation.isLease || !unwatched.isEmpty, let identity = leases.leasedProcess(numbered: pid)
        else { return }
        update(identity, &leases, &processes)
    }

    /// Ends what is due and removes the leases of ended processes, until `end`. `descriptor` stays readable while any
    /// are left.
    mutating func processEvents(
        until end: BootInstant, _ leases: inout LeaseManager, _ processes: inout ProcessCache
    ) {
        do throws(SystemError) {
            for identity in try events.ended() {
                dropLeases(of: identity, until: end, &leases, &processes)
                if BootInstant.now >= end { return }
            }
        } catch {
            leases.logError("cannot look for processes that have ended: \(error)")
        }
        while let due = leases.nextExpired() {
            do throws(RlimitError) {
                if let cached = try running(due.process, &processes) {
                    _ = leases.restoreLimits(due.id, on: cached.process)
                    update(due.process, &leases, &processes)
                } else {
                    dropLeases(of: due.process, until: end, &leases, &processes)
                }
            } catch {
                leases.logError("\(error)")
                leases.postpone(due.id)
            }
            if BootInstant.now >= end { return }
        }
        armTimer(&leases)
    }

    /// Makes the leases due that last as long as a connection which has closed.
    mutating func disconnected(_ session: UInt64, _ leases: inout LeaseManager) {
        guard !leases.isEmpty else { return }
        leases.disconnected(session)
        armTimer(&leases)
    }

    /// Takes over the leases that the previous agent recorded.
    mutating func adoptLeases(_ leases: inout LeaseManager, _ processes: inout ProcessCache) throws(SystemError) {
        var recorded: [ProcessIdentity: [Lease]] = [:]
        for lease in try leases.load() { recorded[lease.process, default: []].append(lease) }
        for (identity, ofProcess) in recorded {
            guard leases.hasRoomForProcess else {
                leases.leaveUnmanaged(ofProcess, "this agent has too few descriptors to watch more processes")
                continue
            }
            do throws(RlimitError) {
                if let cached = try running(identity, &processes) {
                    leases.adopt(ofProcess, limits: try cached.process.read(ResourceSet(Resource.leasable)))
                } else {
                    leases.removeEnded(ofProcess)
                }
            } catch {
                // Their records stay, and the next agent may be able to inspect the process.
                leases.leaveUnmanaged(ofProcess, "\(error)")
            }
            update(identity, &leases, &processes)
        }
    }

    // A process may have many leases; those that are left keep `descriptor` readable.
    private mutating func dropLeases(
        of identity: ProcessIdentity, until end: BootInstant, _ leases: inout LeaseManager,
        _ processes: inout ProcessCache
    ) {
        _ = leases.processEnded(identity, until: end)
        update(identity, &leases, &processes)
    }

    private mutating func armTimer(_ leases: inout LeaseManager) {
        let next = leases.nextExpiry()
        do throws(SystemError) { try events.wake(at: next) } catch {
            leases.logError("cannot set the timer: \(error)")
        }
    }

    // Watches the process if it was not watched yet: leases may be older than this agent. nil: it has ended.
    //
    // Throws if the kernel does not report the process: the leases of a process that may run must not be removed.
    private mutating func running(
        _ identity: ProcessIdentity, _ processes: inout ProcessCache
    ) throws(RlimitError) -> CachedProcess? {
        if let cached = events[identity] { return cached.process.hasEnded ? nil : cached }
        while let cached = try Self.acquireIfRunning(identity.pid, &processes) {
            do throws(RlimitError) {
                if try cached.process.birth() == identity {
                    try watch(identity, cached)
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
            // A session still holds an ended process that had the number before.
            processes.evict(cached)
        }
        return nil
    }

    private static func acquireIfRunning(
        _ pid: Int32, _ processes: inout ProcessCache
    ) throws(RlimitError) -> CachedProcess? {
        do throws(RlimitError) { return try processes.acquire(pid) } catch {
            guard error.code == .noSuchProcess else { throw error }
            return nil
        }
    }

    private mutating func watch(_ identity: ProcessIdentity, _ cached: CachedProcess) throws(RlimitError) {
        do throws(SystemError) { try events.insert(identity, cached) } catch {
            throw RlimitError(
                .internalError, errno: error.number, message: "process \(identity.pid) cannot be watched: \(error)")
        }
    }
}
