import RlimitKernel
import RlimitModel

/// The limits that leases hold up, of all processes.
struct Holdings {
    private struct Place: Hashable {
        let process: ProcessBirth
        let resource: Resource
    }

    private var holdings: [Place: Holding] = [:]
    private var lastGeneration: UInt64 = 0

    /// The holding of a limit that still is as it was set here.
    func known(_ resource: Resource, of process: ProcessBirth, now: Limit) -> Holding? {
        guard let holding = holdings[Place(process: process, resource: resource)], holding.current == now else {
            return nil
        }
        return holding
    }

    /// What a limit is without any lease, given what it is now.
    func lasting(_ resource: Resource, of process: ProcessBirth, now: Limit) -> Limit {
        known(resource, of: process, now: now)?.lasting ?? now
    }

    /// The holding that a grant joins: the known one, or a new one.
    mutating func joined(_ resource: Resource, of process: ProcessBirth, now: Limit) -> Holding {
        if let holding = known(resource, of: process, now: now) { return holding }
        lastGeneration += 1
        return Holding(generation: lastGeneration, original: now, current: now)
    }

    /// A limit was set here.
    mutating func set(_ resource: Resource, of process: ProcessBirth, to new: Limit) {
        holdings[Place(process: process, resource: resource)]?.current = new
    }

    /// What the end of a lease means for one limit, given what it is now.
    func ending(of lease: Lease, _ resource: Resource, now: Limit) -> Holding.Ending {
        known(resource, of: lease.process, now: now)?.ending(of: lease.id) ?? .changed
    }

    /// A part of a lease was granted: its limit is as the lease has it.
    ///
    /// - Returns: What was given for good of the limit before somebody else changed it, which counts no more.
    mutating func insert(_ part: LeasePart, of lease: Lease) -> LeaseInfo.ID? {
        let place = Place(process: lease.process, resource: part.resource)
        var holding = Holding(generation: part.generation, original: part.original, current: part.new)
        var alone: LeaseInfo.ID?
        if let known = holdings[place] {
            if known.generation == part.generation { holding = known } else { alone = known.lastingID }
        }
        holding.insert(lease, part.hold)
        holding.current = part.new
        holdings[place] = holding
        start(after: part.generation)
        return alone
    }

    /// A part of a lease that is over holds nothing up any more, but is not gone yet.
    mutating func suspend(_ part: LeasePart, of lease: Lease) {
        holdings[Place(process: lease.process, resource: part.resource)]?.suspend(lease.id)
    }

    /// A part of a lease is done with.
    ///
    /// - Returns: What was given for good of the limit, if no lease is left beside it.
    mutating func remove(_ part: LeasePart, of lease: Lease) -> LeaseInfo.ID? {
        let place = Place(process: lease.process, resource: part.resource)
        guard holdings[place]?.generation == part.generation else { return nil }
        holdings[place]?.remove(lease.id)
        guard let holding = holdings[place], holding.isIdle else { return nil }
        holdings[place] = nil
        return holding.lastingID
    }

    /// Nothing is taken back of a limit any more.
    ///
    /// - Returns: What held it up.
    mutating func abandon(_ resource: Resource, of process: ProcessBirth) -> Holding? {
        holdings.removeValue(forKey: Place(process: process, resource: resource))
    }

    /// Takes over what an agent before this one held up.
    mutating func adopt(_ holding: Holding, _ resource: Resource, of process: ProcessBirth) {
        holdings[Place(process: process, resource: resource)] = holding
    }

    /// Holdings that are new from now on have greater numbers than this.
    mutating func start(after generation: UInt64) { lastGeneration = max(lastGeneration, generation) }
}
