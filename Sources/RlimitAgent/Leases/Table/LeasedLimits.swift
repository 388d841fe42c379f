import RlimitKernel
import RlimitModel

/// The limits that leases hold, for all processes.
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

    /// The leased limit, if the limit still is as the agent set it.
    func unchanged(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> LeasedLimit? {
        guard let leasedLimit = leasedLimits[Key(process: process, resource: resource)], leasedLimit.current == now
        else {
            return nil
        }
        return leasedLimit
    }

    /// The limit without any lease, given the limit now.
    func withoutLeases(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> Limit {
        unchanged(resource, of: process, now: now)?.withoutLeases ?? now
    }

    /// The leased limit that a grant joins: the known one, or a new one.
    mutating func currentOrNew(_ resource: Resource, of process: ProcessIdentity, now: Limit) -> LeasedLimit {
        if let leasedLimit = unchanged(resource, of: process, now: now) { return leasedLimit }
        lastGeneration += 1
        return LeasedLimit(generation: lastGeneration, original: now, current: now)
    }

    /// Records that the agent has set a limit.
    mutating func set(_ resource: Resource, of process: ProcessIdentity, to new: Limit) {
        leasedLimits[Key(process: process, resource: resource)]?.current = new
    }

    /// The effect of the end of a lease on one limit, given the limit now.
    func effectOfEnding(of lease: Lease, _ resource: Resource, now: Limit) -> LeasedLimit.EndEffect {
        unchanged(resource, of: lease.process, now: now)?.effectOfEnding(of: lease.id) ?? .changedElsewhere
    }

    /// Adds a part of a lease that was granted.
    ///
    /// - Returns: A permanent edit that does not count any more, because another program has changed the limit since.
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

    /// Keeps a part of a lease that has ended, without its bounds.
    mutating func suspend(_ part: LeasePart, of lease: Lease) {
        leasedLimits[Key(process: lease.process, resource: part.resource)]?.suspend(lease.id)
    }

    /// Removes a part of a lease.
    ///
    /// - Returns: The permanent edit of the limit, if no lease of it is left.
    mutating func remove(_ part: LeasePart, of lease: Lease) -> LeaseInfo.ID? {
        let key = Key(process: lease.process, resource: part.resource)
        guard leasedLimits[key]?.generation == part.generation else { return nil }
        leasedLimits[key]?.remove(lease.id)
        guard let leasedLimit = leasedLimits[key], leasedLimit.isIdle else { return nil }
        leasedLimits[key] = nil
        return leasedLimit.permanentID
    }

    /// Removes a leased limit, so that no lease restores it.
    ///
    /// - Returns: The leased limit as it was.
    mutating func abandon(_ resource: Resource, of process: ProcessIdentity) -> LeasedLimit? {
        leasedLimits.removeValue(forKey: Key(process: process, resource: resource))
    }

    /// Takes over a leased limit of the previous agent.
    mutating func adopt(_ leasedLimit: LeasedLimit, _ resource: Resource, of process: ProcessIdentity) {
        leasedLimits[Key(process: process, resource: resource)] = leasedLimit
    }

    /// Gives new leased limits generations above this one.
    mutating func reserveGenerations(upTo generation: UInt64) { lastGeneration = max(lastGeneration, generation) }
}
