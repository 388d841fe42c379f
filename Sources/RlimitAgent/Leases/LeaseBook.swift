import RlimitKernel
import RlimitModel

/// All leases, and what they hold. It asks no kernel and no clock, and writes nothing down: it is told, and answers what is to
/// be done.
struct LeaseBook {
    /// So many leases there may be at once, and so many processes that have some: each is held by a descriptor.
    struct Room {
        var leases = 16_384
        var processes = 16_384
    }

    /// One limit of one process.
    struct Place: Hashable {
        let process: ProcessBirth
        let resource: Resource
    }

    var room = Room()
    private var leases: [LeaseInfo.ID: Lease] = [:]
    var holdings: [Place: Holding] = [:]
    private var processes: [ProcessBirth: Set<LeaseInfo.ID>] = [:]
    private var numbers: [Int32: ProcessBirth] = [:]
    private var sessions: [UInt64: Set<LeaseInfo.ID>] = [:]
    private var tenants: [Tenant: Int] = [:]
    private var ends = LeaseEnds()
    var lastGeneration: UInt64 = 0
    private var lastingCount = 0

    /// Leases that have not ended, or are not taken back yet.
    var count: Int { leases.count - lastingCount }
    var isEmpty: Bool { leases.isEmpty }

    /// Entries of the queue of ends, also those that do not count any more.
    var scheduledEnds: Int { ends.count }

    subscript(id: LeaseInfo.ID) -> Lease? { leases[id] }

    /// Those that have not ended and are wanted, the oldest first.
    func live(where isWanted: (Lease) -> Bool) -> [Lease] {
        leases.values.filter { !$0.isOver && $0.term != .forGood && isWanted($0) }
            .sorted { ($0.grantedAt, $0.process.pid) < ($1.grantedAt, $1.process.pid) }
    }

    var leasedProcesses: some Collection<ProcessBirth> { processes.keys }
    func leases(of process: ProcessBirth) -> Set<LeaseInfo.ID> { processes[process] ?? [] }
    func count(of tenant: Tenant) -> Int { tenants[tenant] ?? 0 }

    /// The process with this number that has leases; it may have ended since, and the number be another's.
    func leasedProcess(numbered pid: Int32) -> ProcessBirth? { numbers[pid] }

    /// Why there is no room for one more, or nil.
    func fullness(for tenant: Tenant, quota: Int, process: ProcessBirth) -> RlimitError? {
        if count(of: tenant) >= quota {
            return RlimitError(.quotaExceeded, message: "\(quota) leases are all that one caller may have at once")
        }
        guard count < room.leases, processes[process] != nil || processes.count < room.processes else {
            return RlimitError(.quotaExceeded, message: "the agent has \(count) leases, and no room for more now")
        }
        return nil
    }

    // MARK: Limits

    /// What a limit is without any lease, given what it is now.
    func lasting(_ resource: Resource, of process: ProcessBirth, now: Limit) -> Limit {
        guard let holding = holdings[Place(process: process, resource: resource)], holding.current == now else {
            return now
        }
        return holding.lasting
    }

    /// The holding that a grant joins, if the limit still is as it was set here, or a new one.
    mutating func holding(_ resource: Resource, of process: ProcessBirth, now: Limit) -> Holding {
        if let holding = self.known(resource, of: process, now: now) { return holding }
        lastGeneration += 1
        return Holding(generation: lastGeneration, original: now, current: now)
    }

    /// The holding of a limit that still is as it was set here.
    func known(_ resource: Resource, of process: ProcessBirth, now: Limit) -> Holding? {
        guard let holding = holdings[Place(process: process, resource: resource)], holding.current == now else {
            return nil
        }
        return holding
    }

    /// A limit was set here.
    mutating func set(_ resource: Resource, of process: ProcessBirth, to new: Limit) {
        holdings[Place(process: process, resource: resource)]?.current = new
    }

    /// A limit was lowered by somebody who had leave to: nothing is taken back of it any more.
    ///
    /// - Returns: The leases that held it, as they are now, and what was given for good of it.
    mutating func abandon(
        _ resource: Resource, of process: ProcessBirth
    ) -> (leases: [Lease], lasting: LeaseInfo.ID?) {
        guard let holding = holdings.removeValue(forKey: Place(process: process, resource: resource)) else {
            return ([], nil)
        }
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

    /// What the end of a lease means for one limit.
    enum Ending: Equatable {
        /// It is not as it was set here.
        case changed
        /// It stays as it is, because others hold it there, or because it was so without leases.
        case stays(byOthers: Bool)
        case falls(to: Limit, byOthers: Bool)
    }

    func ending(of id: LeaseInfo.ID, _ resource: Resource, now: Limit) -> Ending {
        guard let lease = leases[id],
            let holding = known(resource, of: lease.process, now: now), holding.contains(id)
        else { return .changed }
        let value = holding.value(without: id)
        // An end never raises anything.
        let target = Limit(soft: min(now.soft, value.soft), hard: min(now.hard, value.hard)).levelled
        let byOthers = target != holding.lasting
        return target == now ? .stays(byOthers: byOthers) : .falls(to: target, byOthers: byOthers)
    }

    // MARK: Leases

    /// One that was granted, with all its limits as they were set.
    ///
    /// - Returns: What was given for good of limits that others have changed since.
    mutating func insert(_ lease: Lease) -> [LeaseInfo.ID] {
        var alone: [LeaseInfo.ID] = []
        for part in lease.parts {
            let place = Place(process: lease.process, resource: part.resource)
            var holding = Holding(generation: part.generation, original: part.original, current: part.new)
            if let known = holdings[place] {
                if known.generation == part.generation {
                    holding = known
                } else if let id = known.lastingID {
                    alone.append(id)
                    discard(id)
                }
            }
            holding.insert(lease, part.hold)
            holding.current = part.new
            holdings[place] = holding
            lastGeneration = max(lastGeneration, part.generation)
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
        if let session = lease.session { sessions[session, default: []].insert(lease.id) }
        if let moment = lease.endsAt { ends.insert(lease.id, at: moment) }
    }

    /// One that is renewed: who holds it and when it ends.
    mutating func renew(_ lease: Lease) {
        guard let known = leases[lease.id] else { return }
        if let session = known.session { leave(session, lease.id) }
        if let session = lease.session { sessions[session, default: []].insert(lease.id) }
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
        if let session = lease.session.take() { leave(session, id) }
        leases[id] = lease
        for part in parts { holdings[Place(process: lease.process, resource: part.resource)]?.suspend(id) }
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
            let place = Place(process: lease.process, resource: part.resource)
            guard holdings[place]?.generation == part.generation else { continue }
            holdings[place]?.remove(lease.id)
            guard let holding = holdings[place], holding.isIdle else { continue }
            holdings[place] = nil
            guard let id = holding.lastingID else { continue }
            alone.append(id)
            discard(id)
        }
        return alone
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
        if let session = lease.session { leave(session, lease.id) }
        if lease.term == .forGood {
            lastingCount -= 1
        } else if let count = tenants[lease.tenant] {
            tenants[lease.tenant] = count > 1 ? count - 1 : nil
        }
        forgetPastEnds()
    }

    private mutating func leave(_ session: UInt64, _ id: LeaseInfo.ID) {
        sessions[session]?.remove(id)
        if sessions[session]?.isEmpty == true { sessions[session] = nil }
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
        for id in sessions.removeValue(forKey: session) ?? [] {
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
