import RlimitModel

/// One limit of one process, as far as leases hold it up.
///
/// What is lent is never added up: the limit is the greatest of what it was, what was given for good since, and what each
/// live lease holds. So the order in which leases end does not matter.
struct LeasedLimit: Hashable, Sendable {
    let generation: UInt64
    /// As it was before the first of these leases.
    let original: Limit
    /// As it was last set here. A limit that is another was changed by somebody else, and is left to them.
    var current: Limit
    private var boundsByLease: [LeaseInfo.ID: LeaseBounds] = [:]
    // Leases that are over and not taken back yet: they hold nothing up.
    private var unrestored: Set<LeaseInfo.ID> = []
    /// What was given for good.
    private(set) var permanentID: LeaseInfo.ID?

    init(generation: UInt64, original: Limit, current: Limit) {
        self.generation = generation
        self.original = original
        self.current = current
    }

    func contains(_ id: LeaseInfo.ID) -> Bool { boundsByLease[id] != nil || unrestored.contains(id) }

    mutating func insert(_ lease: Lease, _ bounds: LeaseBounds) {
        if lease.hasEnded { unrestored.insert(lease.id) } else { boundsByLease[lease.id] = bounds }
        if lease.term == .permanent { permanentID = lease.id }
    }

    /// It holds nothing up from now on, but is not gone yet.
    mutating func suspend(_ id: LeaseInfo.ID) {
        guard boundsByLease.removeValue(forKey: id) != nil else { return }
        unrestored.insert(id)
    }

    mutating func remove(_ id: LeaseInfo.ID) {
        boundsByLease[id] = nil
        unrestored.remove(id)
        if permanentID == id { permanentID = nil }
    }

    /// Nobody is left who would take anything back.
    var isIdle: Bool { unrestored.isEmpty && boundsByLease.count == (permanentID == nil ? 0 : 1) }

    /// What it is once all leases have ended.
    var withoutLeases: Limit {
        guard let permanentID, let bounds = boundsByLease[permanentID] else { return original }
        return original.raised(by: bounds).softClampedToHard
    }

    // What it is to be without one of the live leases.
    private func value(without id: LeaseInfo.ID) -> Limit {
        var value = original
        for (holder, bounds) in boundsByLease where holder != id { value = value.raised(by: bounds) }
        return value.softClampedToHard
    }

    /// What the end of a lease means for a limit.
    enum EndEffect: Equatable {
        /// It is not as it was set here.
        case changedElsewhere
        /// It stays as it is, because others hold it there, or because it was so without leases.
        case unchanged(heldByOthers: Bool)
        case lowered(to: Limit, heldByOthers: Bool)
    }

    /// What the end of a lease means for this limit, if it is as it was set here.
    func effectOfEnding(of id: LeaseInfo.ID) -> EndEffect {
        guard contains(id) else { return .changedElsewhere }
        let value = value(without: id)
        // An end never raises anything.
        let target = Limit(soft: min(current.soft, value.soft), hard: min(current.hard, value.hard)).softClampedToHard
        let heldByOthers = target != withoutLeases
        return target == current
            ? .unchanged(heldByOthers: heldByOthers) : .lowered(to: target, heldByOthers: heldByOthers)
    }

    /// Whether a limit is one that these leases can have brought about, also where the agent was ended between two steps.
    func isConsistent(with limit: Limit) -> Bool {
        let softs = [original.soft] + boundsByLease.values.compactMap(\.soft)
        let hards = [original.hard] + boundsByLease.values.compactMap(\.hard)
        return hards.contains(limit.hard) && softs.contains { min($0, limit.hard) == limit.soft }
    }

    /// Whether what a lease holds is in a limit that these leases explain.
    func isEffective(_ bounds: LeaseBounds, in limit: Limit) -> Bool {
        if let hard = bounds.hard, hard > limit.hard { return false }
        if let soft = bounds.soft, min(soft, limit.hard) > limit.soft { return false }
        return true
    }
}
