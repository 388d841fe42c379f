import RlimitKernel
import RlimitModel

/// The limits that leases hold up, of all processes.
struct LeasedLimits {
    private struct Key: Hashable {
        let process: ProcessIdentity
        let resource: Resource
    }

    private var leasedLimits: [Key: LeasedLimit] = [:]
    private var lastGeneration: UInt64 = 0

    /// Whether leases hold any of these limits of a process.
    func containAny(of resources: ResourceSet, of process: ProcessIdentity) -> Bool {
        for resource in resources where leasedLimits[Key(process: process, resource: resource)] != nil { return true }
        return false
    }

    /// The holding of a limit that still is as it was set here.
    func unchanged(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> LeasedLimit? {
        guard let leasedLimit = leasedLimits[Key(process: process, resource: resource)], leasedLimit.current == now
        else {
            return nil
        }
        return leasedLimit
    }

    /// What a limit is without any lease, given what it is now.
    func withoutLeases(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> Limit {
        unchanged(resource, of: process, now: now)?.withoutLeases ?? now
    }

    /// The holding that a grant joins: the known one, or a new one.
    mutating func currentOrNew(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> LeasedLimit {
        if let leasedLimit = unchanged(resource, of: process, now: now) { return leasedLimit }
        lastGeneration += 1
        return LeasedLimit(generation: lastGeneration, original: now, current: now)
    }

    /// A limit was set here.
    mutating func set(_ resource: Resource, of process: ProcessIdentity, to new: Limit) {
        leasedLimits[Key(process: process, resource: resource)]?.current = new
    }

    /// What the end of a lease means for one limit, given what it is now.
    func effectOfEnding(of lease: Lease, _ resource: Resource, now: Limit) -> LeasedLimit.EndEffect {
        unchanged(resource, of: lease.process, now: now)?.effectOfEnding(of: lease.id) ?? .changedElsewhere
    }

    /// A part of a lease was granted: its limit is as the lease has it.
    ///
    /// - Returns: What was given for good of the limit before somebody else changed it, which counts no more.
    mutating func insert(_ part: LeasePart, of lease: Lease) -> LeaseInfo.ID? {
        let key = Key(process: lease.process, resource: part.resource)
        var leasedLimit = LeasedLimit(generation: part.generation, original: part.original, current: part.new)
        var orphan: LeaseInfo.ID?
        if let known = leasedLimits[key] {
            if known.generation == part.generation { leasedLimit = known } else { orphan = known.permanentID }
        }
        leasedLimit.insert(lease, part.bounds)
        leasedLimit.current = part.new
        leasedLimits[key] = leasedLimit
        reserveGenerations(upTo: part.generation)
        return orphan
    }

    /// A part of a lease that is over holds nothing up any more, but is not gone yet.
    mutating func suspend(_ part: LeasePart, of lease: Lease) {
        leasedLimits[Key(process: lease.process, resource: part.resource)]?.suspend(lease.id)
    }

    /// A part of a lease is done with.
    ///
    /// - Returns: What was given for good of the limit, if no lease is left beside it.
    mutating func remove(_ part: LeasePart, of lease: Lease) -> LeaseInfo.ID? {
        let key = Key(process: lease.process, resource: part.resource)
        guard leasedLimits[key]?.generation == part.generation else { return nil }
        leasedLimits[key]?.remove(lease.id)
        guard let leasedLimit = leasedLimits[key], leasedLimit.isIdle else { return nil }
        leasedLimits[key] = nil
        return leasedLimit.permanentID
    }

    /// Nothing is taken back of a limit any more.
    ///
    /// - Returns: What held it up.
    mutating func abandon(_ resource: Resource, of process: ProcessIdentity) -> LeasedLimit? {
        leasedLimits.removeValue(forKey: Key(process: process, resource: resource))
    }

    /// Takes over what an agent before this one held up.
    mutating func adopt(_ leasedLimit: LeasedLimit, _ resource: Resource, of process: ProcessIdentity) {
        leasedLimits[Key(process: process, resource: resource)] = leasedLimit
    }

    /// Holdings that are new from now on have greater numbers than this.
    mutating func reserveGenerations(upTo generation: UInt64) { lastGeneration = max(lastGeneration, generation) }
}
