import RlimitKernel
import RlimitModel

/// All leases: what they hold up, when they end, and whose they are. It asks no kernel and no clock, and writes nothing
/// down: it is told, and answers what is to be done.
struct LeaseTable {
    /// So many leases there may be at once, and so many processes that have some: each is held by a descriptor.
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

    /// Leases that have not ended, or are not taken back yet.
    var count: Int { leases.count - permanentCount }
    var isEmpty: Bool { leases.isEmpty }

    /// Entries of the queue of ends, also those that do not count any more.
    var queuedExpiries: Int { expiryQueue.count }

    subscript(id: LeaseInfo.ID) -> Lease? { leases[id] }

    /// Those that have not ended, the oldest first.
    var live: [Lease] { Self.live(leases.values) }

    /// The same, of one asker: however many others there are, they cost nothing.
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

    /// The process with this number that has leases; it may have ended since, and the number be another's.
    func leasedProcess(numbered pid: Int32) -> ProcessIdentity? {
        // A dictionary makes the hash even where it holds nothing, and most agents have no leases at most times.
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

    /// Why there is no room for one more, or nil.
    func capacityError(for tenant: Tenant, quota: Int, process: ProcessIdentity) -> RlimitError? {
        if count(of: tenant) >= quota {
            return RlimitError(.quotaExceeded, message: "\(quota) leases are all that one caller may have at once")
        }
        guard count < capacity.leases, processes[process] != nil || hasRoomForProcess else {
            return RlimitError(.quotaExceeded, message: "the agent has \(count) leases, and no room for more now")
        }
        return nil
    }

    /// One that was granted, with all its limits as they were set.
    ///
    /// - Returns: What was given for good of limits that others have changed since.
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

    /// Counts it in, but for what it holds.
    mutating func register(_ lease: Lease) {
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

    /// One that is renewed: who holds it and when it ends.
    mutating func renew(_ lease: Lease) {
        guard let known = leases[lease.id] else { return }
        owners.remove(known)
        owners.insert(lease)
        leases[lease.id] = lease
        if let moment = lease.endsAt { schedule(lease.id, at: moment) }
    }

    /// One that is over and could not be taken back: it holds nothing any more, and is looked at again.
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

    /// One that is done with.
    ///
    /// - Returns: What was kept for good only beside it.
    mutating func remove(_ id: LeaseInfo.ID) -> [LeaseInfo.ID] {
        guard let lease = leases[id] else { return [] }
        unregister(lease)
        return removeParts(lease.parts, of: lease)
    }

    // What is left alone goes with them.
    private mutating func removeParts(_ parts: [LeasePart], of lease: Lease) -> [LeaseInfo.ID] {
        var orphans: [LeaseInfo.ID] = []
        for part in parts {
            guard let id = leasedLimits.remove(part, of: lease) else { continue }
            orphans.append(id)
            discard(id)
        }
        return orphans
    }

    /// A limit was lowered by somebody who had leave to: nothing is taken back of it any more.
    ///
    /// - Returns: The leases that held it, as they are now, and what was given for good of it.
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

    /// When the next one ends.
    mutating func nextExpiry() -> BootInstant? {
        dropStaleEntries()
        return expiryQueue.next?.moment
    }

    /// One that ends by now, if one does.
    mutating func due(at now: BootInstant) -> LeaseInfo.ID? {
        dropStaleEntries()
        guard let next = expiryQueue.next, next.moment <= now else { return nil }
        return next.id
    }

    /// One ends at another moment than it was to.
    mutating func scheduleEnd(_ id: LeaseInfo.ID, at moment: BootInstant, because cause: Lease.Cause) {
        leases[id]?.cause = cause
        schedule(id, at: moment)
    }

    /// A connection has closed: those that last as long end now.
    mutating func disconnected(_ session: UInt64, at now: BootInstant) {
        for id in owners.removeAll(session: session) {
            leases[id]?.session = nil
            scheduleEnd(id, at: now, because: .disconnected)
        }
    }

    mutating func schedule(_ id: LeaseInfo.ID, at moment: BootInstant) {
        leases[id]?.endsAt = moment
        expiryQueue.insert(id, at: moment)
        compactExpiryQueue()
    }

    private mutating func dropStaleEntries() {
        while let next = expiryQueue.next, leases[next.id]?.endsAt != next.moment { expiryQueue.removeNext() }
    }

    // Renewed again and again, a lease leaves an entry behind each time.
    private mutating func compactExpiryQueue() {
        guard expiryQueue.count > 2 * leases.count + 64 else { return }
        expiryQueue.rebuild(leases.values.compactMap { lease in lease.endsAt.map { .init(moment: $0, id: lease.id) } })
    }

    // MARK: Adoption

    /// Takes over the leases that an agent before this one wrote down of one process, given its limits now.
    ///
    /// One that is not in the limits is due at once: that agent ended before it had given it, or when it had taken it back.
    ///
    /// - Returns: What was kept for good only beside leases that are gone.
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

    /// What is granted from now on is not mixed up with leases that are written down.
    mutating func reserveGenerations(of known: [Lease]) {
        for lease in known { for part in lease.parts { leasedLimits.reserveGenerations(upTo: part.generation) } }
    }

    // Of the holdings of one limit the last.
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
