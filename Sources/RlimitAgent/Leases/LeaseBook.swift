import RlimitKernel
import RlimitModel

/// All leases: what they hold up, when they end, and whose they are. It asks no kernel and no clock, and writes nothing
/// down: it is told, and answers what is to be done.
struct LeaseBook {
    /// So many leases there may be at once, and so many processes that have some: each is held by a descriptor.
    struct Room {
        var leases = 16_384
        var processes = 16_384
    }

    var room = Room()
    var holdings = Holdings()
    private var leases: [LeaseInfo.ID: Lease] = [:]
    private var processes: [ProcessBirth: Set<LeaseInfo.ID>] = [:]
    private var numbers: [Int32: ProcessBirth] = [:]
    private var owners = LeaseOwners()
    private var tenants: [Tenant: Int] = [:]
    private var ends = LeaseEnds()
    private var lastingCount = 0

    /// Leases that have not ended, or are not taken back yet.
    var count: Int { leases.count - lastingCount }
    var isEmpty: Bool { leases.isEmpty }

    /// Entries of the queue of ends, also those that do not count any more.
    var scheduledEnds: Int { ends.count }

    subscript(id: LeaseInfo.ID) -> Lease? { leases[id] }

    /// Those that have not ended, the oldest first.
    var live: [Lease] { Self.live(leases.values) }

    /// The same, of one asker: however many others there are, they cost nothing.
    func live(of asker: LeaseAsker) -> [Lease] {
        Self.live(owners.leases(of: asker).compactMap { leases[$0] }.filter(asker.owns))
    }

    private static func live(_ leases: some Sequence<Lease>) -> [Lease] {
        leases.filter { !$0.isOver && $0.term != .forGood }
            .sorted { ($0.grantedAt, $0.process.pid) < ($1.grantedAt, $1.process.pid) }
    }

    var leasedProcesses: some Collection<ProcessBirth> { processes.keys }
    func leases(of process: ProcessBirth) -> Set<LeaseInfo.ID> { processes[process] ?? [] }
    func count(of tenant: Tenant) -> Int { tenants[tenant] ?? 0 }

    /// The process with this number that has leases; it may have ended since, and the number be another's.
    func leasedProcess(numbered pid: Int32) -> ProcessBirth? {
        // A dictionary makes the hash even where it holds nothing, and most agents have no leases at most times.
        numbers.isEmpty ? nil : numbers[pid]
    }

    var hasRoomForProcess: Bool { processes.count < room.processes }

    /// Why there is no room for one more, or nil.
    func fullness(for tenant: Tenant, quota: Int, process: ProcessBirth) -> RlimitError? {
        if count(of: tenant) >= quota {
            return RlimitError(.quotaExceeded, message: "\(quota) leases are all that one caller may have at once")
        }
        guard count < room.leases, processes[process] != nil || hasRoomForProcess else {
            return RlimitError(.quotaExceeded, message: "the agent has \(count) leases, and no room for more now")
        }
        return nil
    }

    /// One that was granted, with all its limits as they were set.
    ///
    /// - Returns: What was given for good of limits that others have changed since.
    mutating func insert(_ lease: Lease) -> [LeaseInfo.ID] {
        var alone: [LeaseInfo.ID] = []
        for part in lease.parts {
            guard let id = holdings.insert(part, of: lease) else { continue }
            alone.append(id)
            discard(id)
        }
        register(lease)
        return alone
    }

    /// Counts it in, but for what it holds.
    mutating func register(_ lease: Lease) {
        leases[lease.id] = lease
        processes[lease.process, default: []].insert(lease.id)
        numbers[lease.process.pid] = lease.process
        if lease.term == .forGood {
            lastingCount += 1
        } else {
            tenants[lease.tenant, default: 0] += 1
        }
        owners.insert(lease)
        if let moment = lease.endsAt { ends.insert(lease.id, at: moment) }
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
    mutating func suspend(_ id: LeaseInfo.ID, until moment: Moment, leaving parts: [LeasePart]) -> [LeaseInfo.ID] {
        guard var lease = leases[id] else { return [] }
        let resolved = lease.parts.filter { part in !parts.contains { $0.resource == part.resource } }
        lease.isOver = true
        lease.parts = parts
        lease.endsAt = moment
        if let session = lease.session.take() { owners.remove(id, session: session) }
        leases[id] = lease
        for part in parts { holdings.suspend(part, of: lease) }
        schedule(id, at: moment)
        return leave(resolved, of: lease)
    }

    /// One that is done with.
    ///
    /// - Returns: What was kept for good only beside it.
    mutating func remove(_ id: LeaseInfo.ID) -> [LeaseInfo.ID] {
        guard let lease = leases[id] else { return [] }
        unregister(lease)
        return leave(lease.parts, of: lease)
    }

    // What is left alone goes with them.
    private mutating func leave(_ parts: [LeasePart], of lease: Lease) -> [LeaseInfo.ID] {
        var alone: [LeaseInfo.ID] = []
        for part in parts {
            guard let id = holdings.remove(part, of: lease) else { continue }
            alone.append(id)
            discard(id)
        }
        return alone
    }

    /// A limit was lowered by somebody who had leave to: nothing is taken back of it any more.
    ///
    /// - Returns: The leases that held it, as they are now, and what was given for good of it.
    mutating func abandon(
        _ resource: Resource, of process: ProcessBirth
    ) -> (leases: [Lease], lasting: LeaseInfo.ID?) {
        guard let holding = holdings.abandon(resource, of: process) else { return ([], nil) }
        if let id = holding.lastingID { discard(id) }
        var changed: [Lease] = []
        for id in leases(of: process) where holding.contains(id) {
            guard var lease = leases[id], let place = lease.parts.firstIndex(where: { $0.resource == resource }) else {
                continue
            }
            lease.parts[place].generation = LeasePart.noHolding
            leases[id] = lease
            changed.append(lease)
        }
        return (changed, holding.lastingID)
    }

    private mutating func discard(_ id: LeaseInfo.ID) {
        if let lease = leases[id] { unregister(lease) }
    }

    private mutating func unregister(_ lease: Lease) {
        leases[lease.id] = nil
        processes[lease.process]?.remove(lease.id)
        if processes[lease.process]?.isEmpty == true {
            processes[lease.process] = nil
            if numbers[lease.process.pid] == lease.process { numbers[lease.process.pid] = nil }
        }
        owners.remove(lease)
        if lease.term == .forGood {
            lastingCount -= 1
        } else if let count = tenants[lease.tenant] {
            tenants[lease.tenant] = count > 1 ? count - 1 : nil
        }
        forgetPastEnds()
    }

    // MARK: Ends

    /// When the next one ends.
    mutating func nextEnd() -> Moment? {
        dropPassedOver()
        return ends.next?.moment
    }

    /// One that ends by now, if one does.
    mutating func due(at now: Moment) -> LeaseInfo.ID? {
        dropPassedOver()
        guard let next = ends.next, next.moment <= now else { return nil }
        return next.id
    }

    /// One ends at another moment than it was to.
    mutating func end(_ id: LeaseInfo.ID, at moment: Moment, because cause: Lease.Cause) {
        leases[id]?.cause = cause
        schedule(id, at: moment)
    }

    /// A connection has closed: those that last as long end now.
    mutating func disconnected(_ session: UInt64, at now: Moment) {
        for id in owners.removeAll(session: session) {
            leases[id]?.session = nil
            end(id, at: now, because: .disconnected)
        }
    }

    mutating func schedule(_ id: LeaseInfo.ID, at moment: Moment) {
        leases[id]?.endsAt = moment
        ends.insert(id, at: moment)
        forgetPastEnds()
    }

    private mutating func dropPassedOver() {
        while let next = ends.next, leases[next.id]?.endsAt != next.moment { ends.removeNext() }
    }

    // Renewed again and again, a lease leaves an entry behind each time.
    private mutating func forgetPastEnds() {
        guard ends.count > 2 * leases.count + 64 else { return }
        ends.rebuild(leases.values.compactMap { lease in lease.endsAt.map { .init(moment: $0, id: lease.id) } })
    }
}
