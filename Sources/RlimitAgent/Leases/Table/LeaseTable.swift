import RlimitKernel
import RlimitModel

/// All leases in memory: the limits that they hold, when they end, and who owns them.
///
/// The table calls neither the kernel nor the clock, and does not touch the disk. Its caller reports what has happened,
/// and acts on what the methods return.
struct LeaseTable {
    /// The maximum number of leases, and of processes that have leases. Each of these processes is held by a
    /// descriptor.
    struct Capacity {
        var leases = 16_384
        var processes = 16_384
    }

    var capacity = Capacity()
    private(set) var leasedLimits = LeasedLimits()
    private var leases: [LeaseInfo.ID: Lease] = [:]
    private var processes: [ProcessIdentity: Set<LeaseInfo.ID>] = [:]
    private var processByPID: [Int32: ProcessIdentity] = [:]
    private var owners = LeaseOwners()
    private var tenants: [Tenant: Int] = [:]
    private var expiryQueue = ExpiryQueue()
    private var permanentCount = 0

    /// The number of leases that have not ended, or are not restored yet.
    var count: Int { leases.count - permanentCount }
    var isEmpty: Bool { leases.isEmpty }

    /// The number of entries in the expiry queue, with stale ones.
    var queuedExpiries: Int { expiryQueue.count }

    subscript(id: LeaseInfo.ID) -> Lease? { leases[id] }

    /// The leases that have not ended, the oldest first.
    var live: [Lease] { Self.live(leases.values) }

    /// The live leases that a requester owns. The cost does not depend on the leases of others.
    func live(of requester: LeaseRequester) -> [Lease] {
        Self.live(owners.leases(of: requester).compactMap { leases[$0] }.filter(requester.owns))
    }

    private static func live(_ leases: some Sequence<Lease>) -> [Lease] {
        leases.filter { !$0.hasEnded && $0.term != .permanent }
            .sorted { ($0.grantedAt, $0.process.pid) < ($1.grantedAt, $1.process.pid) }
    }

    var leasedProcesses: some Collection<ProcessIdentity> { processes.keys }
    func leases(of process: ProcessIdentity) -> Set<LeaseInfo.ID> { processes[process] ?? [] }
    func count(of tenant: Tenant) -> Int { tenants[tenant] ?? 0 }

    /// The process with this pid that has leases. It may have ended since, and the pid may be another process's.
    func leasedProcess(numbered pid: Int32) -> ProcessIdentity? {
        // A dictionary computes the hash even while it is empty, and most agents have no leases most of the time.
        processByPID.isEmpty ? nil : processByPID[pid]
    }

    /// Whether leases hold any of these limits of the process with this number.
    func holdsAny(of resources: ResourceSet, ofProcess pid: Int32) -> Bool {
        guard let process = leasedProcess(numbered: pid) else { return false }
        return leasedLimits.containAny(of: resources, of: process)
    }

    /// The leased limit that a grant joins.
    mutating func currentOrNewLimit(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> LeasedLimit {
        leasedLimits.currentOrNew(resource, of: process, now: now)
    }

    /// Records that the agent has set a leased limit.
    mutating func recordLimit(_ resource: Resource, of process: ProcessIdentity, _ new: Limit) {
        leasedLimits.set(resource, of: process, to: new)
    }

    var hasRoomForProcess: Bool { processes.count < capacity.processes }

    /// The reason why there is no room for another lease; nil if there is room.
    func capacityError(for tenant: Tenant, quota: Int, process: ProcessIdentity) -> RlimitError? {
        if count(of: tenant) >= quota {
            return RlimitError(.quotaExceeded, message: "the caller has \(quota) leases, the maximum of its quota")
        }
        guard count < capacity.leases, processes[process] != nil || hasRoomForProcess else {
            return RlimitError(.quotaExceeded, message: "the agent has \(count) leases and no room for another one")
        }
        return nil
    }

    /// Adds a lease that was granted, after its limits were written.
    ///
    /// - Returns: Permanent edits that do not count any more, because other programs have changed their limits since.
    mutating func insert(_ lease: Lease) -> [LeaseInfo.ID] {
        var orphans: [LeaseInfo.ID] = []
        for part in lease.parts {
            guard let id = leasedLimits.insert(part, of: lease) else { continue }
            orphans.append(id)
            discard(id)
        }
        register(lease)
        return orphans
    }

    // Adds a lease, without the limits that it holds.
    private mutating func register(_ lease: Lease) {
        leases[lease.id] = lease
        processes[lease.process, default: []].insert(lease.id)
        processByPID[lease.process.pid] = lease.process
        if lease.term == .permanent {
            permanentCount += 1
        } else {
            tenants[lease.tenant, default: 0] += 1
        }
        owners.insert(lease)
        if let moment = lease.endsAt { expiryQueue.insert(lease.id, at: moment) }
    }

    /// Replaces a lease that was renewed: its holder and its end.
    mutating func renew(_ lease: Lease) {
        guard let known = leases[lease.id] else { return }
        owners.remove(known)
        owners.insert(lease)
        leases[lease.id] = lease
        if let moment = lease.endsAt { schedule(lease.id, at: moment) }
    }

    /// Keeps, until `moment`, an ended lease with the parts that could not be restored. It holds no limit any more.
    ///
    /// - Returns: Permanent edits of limits that have no lease any more.
    mutating func suspend(_ id: LeaseInfo.ID, until moment: BootInstant, keeping parts: [LeasePart]) -> [LeaseInfo.ID] {
        guard var lease = leases[id] else { return [] }
        let resolved = lease.parts.filter { part in !parts.contains { $0.resource == part.resource } }
        lease.hasEnded = true
        lease.parts = parts
        lease.endsAt = moment
        if let session = lease.session.take() { owners.remove(id, session: session) }
        leases[id] = lease
        for part in parts { leasedLimits.suspend(part, of: lease) }
        schedule(id, at: moment)
        return removeParts(resolved, of: lease)
    }

    /// Removes a lease.
    ///
    /// - Returns: Permanent edits of limits that have no lease any more.
    mutating func remove(_ id: LeaseInfo.ID) -> [LeaseInfo.ID] {
        guard let lease = leases[id] else { return [] }
        unregister(lease)
        return removeParts(lease.parts, of: lease)
    }

    // A permanent edit goes with the last lease of its limit.
    private mutating func removeParts(_ parts: [LeasePart], of lease: Lease) -> [LeaseInfo.ID] {
        var orphans: [LeaseInfo.ID] = []
        for part in parts {
            guard let id = leasedLimits.remove(part, of: lease) else { continue }
            orphans.append(id)
            discard(id)
        }
        return orphans
    }

    /// Stops restoring a limit that an authorized caller has lowered.
    ///
    /// - Returns: The leases that held the limit, as they are now, and its permanent edit.
    mutating func abandon(
        _ resource: Resource, of process: ProcessIdentity
    ) -> (leases: [Lease], permanent: LeaseInfo.ID?) {
        guard let leasedLimit = leasedLimits.abandon(resource, of: process) else { return ([], nil) }
        if let id = leasedLimit.permanentID { discard(id) }
        var changed: [Lease] = []
        for id in leases(of: process) where leasedLimit.contains(id) {
            guard var lease = leases[id], let place = lease.parts.firstIndex(where: { $0.resource == resource }) else {
                continue
            }
            lease.parts[place].generation = LeasePart.noLeasedLimit
            leases[id] = lease
            changed.append(lease)
        }
        return (changed, leasedLimit.permanentID)
    }

    private mutating func discard(_ id: LeaseInfo.ID) {
        if let lease = leases[id] { unregister(lease) }
    }

    private mutating func unregister(_ lease: Lease) {
        leases[lease.id] = nil
        processes[lease.process]?.remove(lease.id)
        if processes[lease.process]?.isEmpty == true {
            processes[lease.process] = nil
            if processByPID[lease.process.pid] == lease.process { processByPID[lease.process.pid] = nil }
        }
        owners.remove(lease)
        if lease.term == .permanent {
            permanentCount -= 1
        } else if let count = tenants[lease.tenant] {
            tenants[lease.tenant] = count > 1 ? count - 1 : nil
        }
        compactExpiryQueue()
    }

    // MARK: Ends

    /// When the next lease ends by time.
    mutating func nextExpiry() -> BootInstant? {
        dropStaleEntries()
        return expiryQueue.next?.moment
    }

    /// A lease that is due; nil where none is.
    mutating func due(at now: BootInstant) -> LeaseInfo.ID? {
        dropStaleEntries()
        guard let next = expiryQueue.next, next.moment <= now else { return nil }
        return next.id
    }

    /// Changes the end of a lease.
    mutating func scheduleEnd(_ id: LeaseInfo.ID, at moment: BootInstant, because cause: Lease.Cause) {
        leases[id]?.cause = cause
        schedule(id, at: moment)
    }

    /// Ends the leases that last as long as a connection which has closed.
    mutating func disconnected(_ session: UInt64, at now: BootInstant) {
        for id in owners.removeAll(session: session) {
            leases[id]?.session = nil
            scheduleEnd(id, at: now, because: .disconnected)
        }
    }

    private mutating func schedule(_ id: LeaseInfo.ID, at moment: BootInstant) {
        leases[id]?.endsAt = moment
        expiryQueue.insert(id, at: moment)
        compactExpiryQueue()
    }

    private mutating func dropStaleEntries() {
        while let next = expiryQueue.next, leases[next.id]?.endsAt != next.moment { expiryQueue.removeNext() }
    }

    // Each renewal of a lease leaves a stale entry.
    private mutating func compactExpiryQueue() {
        guard expiryQueue.count > 2 * leases.count + 64 else { return }
        expiryQueue.rebuild(leases.values.compactMap { lease in lease.endsAt.map { .init(moment: $0, id: lease.id) } })
    }

    // MARK: Adoption

    /// Takes over the leases of one process that the previous agent recorded, given the limits of the process now.
    ///
    /// A lease that the limits do not include is due at once: the previous agent ended before it had written the
    /// limits, or after it had restored them.
    ///
    /// - Returns: Permanent edits of limits that have no lease any more.
    mutating func adopt(_ known: [Lease], limits: Limits) -> [LeaseInfo.ID] {
        let latest = Self.leasedLimits(of: known, limits).filter { resource, leasedLimit in
            leasedLimit.isConsistent(with: limits[resource]) && !leasedLimit.isIdle
        }
        reserveGenerations(of: known)
        var orphans: [LeaseInfo.ID] = []
        for lease in known {
            let heldParts = lease.parts.filter { latest[$0.resource]?.contains(lease.id) == true }
            if lease.term == .permanent, heldParts.isEmpty {
                orphans.append(lease.id)
                continue
            }
            for part in heldParts {
                if let leasedLimit = latest[part.resource] {
                    leasedLimits.adopt(leasedLimit, part.resource, of: lease.process)
                }
            }
            register(lease)
            let isWhole = heldParts.allSatisfy { part in
                latest[part.resource]?.isEffective(part.bounds, in: limits[part.resource]) ?? true
            }
            if !isWhole, lease.term != .permanent { schedule(lease.id, at: BootInstant(nanoseconds: 0)) }
        }
        return orphans
    }

    /// Keeps the generations of new leased limits apart from those on disk.
    mutating func reserveGenerations(of known: [Lease]) {
        for lease in known { for part in lease.parts { leasedLimits.reserveGenerations(upTo: part.generation) } }
    }

    // The latest generation of each limit.
    private static func leasedLimits(of known: [Lease], _ limits: Limits) -> [Resource: LeasedLimit] {
        var latest: [Resource: LeasedLimit] = [:]
        for lease in known {
            for part in lease.parts where part.generation > latest[part.resource]?.generation ?? 0 {
                latest[part.resource] = LeasedLimit(
                    generation: part.generation, original: part.original, current: limits[part.resource])
            }
        }
        for lease in known {
            for part in lease.parts where latest[part.resource]?.generation == part.generation {
                latest[part.resource]?.insert(lease, part.bounds)
            }
        }
        return latest
    }
}
