import RlimitModel

/// One limit of one process that leases hold.
///
/// The value is the maximum of the original limit, of permanent edits since, and of what each live lease holds. Leases
/// do not add up, so the order in which they end does not matter.
struct LeasedLimit: Hashable, Sendable {
    let generation: UInt64
    /// The limit before the first of these leases.
    let original: Limit
    /// The limit as the agent last set it. Where the kernel has another value, another program has changed the limit,
    /// and the agent leaves it as it is.
    var current: Limit
    private var boundsByLease: [LeaseInfo.ID: LeaseBounds] = [:]
    // Leases that have ended and are not restored yet. They hold nothing up.
    private var unrestored: Set<LeaseInfo.ID> = []
    /// The permanent edit of this limit, if there was one.
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

    /// Keeps a lease that has ended, without its bounds.
    mutating func suspend(_ id: LeaseInfo.ID) {
        guard boundsByLease.removeValue(forKey: id) != nil else { return }
        unrestored.insert(id)
    }

    mutating func remove(_ id: LeaseInfo.ID) {
        boundsByLease[id] = nil
        unrestored.remove(id)
        if permanentID == id { permanentID = nil }
    }

    /// Whether no lease is left that would restore the limit.
    var isIdle: Bool { unrestored.isEmpty && boundsByLease.count == (permanentID == nil ? 0 : 1) }

    /// The limit once all leases have ended.
    var withoutLeases: Limit {
        guard let permanentID, let bounds = boundsByLease[permanentID] else { return original }
        return original.raised(by: bounds).softClampedToHard
    }

    // The limit without one of the live leases.
    private func value(without id: LeaseInfo.ID) -> Limit {
        var value = original
        for (holder, bounds) in boundsByLease where holder != id { value = value.raised(by: bounds) }
        return value.softClampedToHard
    }

    /// The effect of the end of a lease on a limit.
    enum EndEffect: Equatable {
        /// The limit is not as the agent set it.
        case changedElsewhere
        /// The limit stays, because other leases hold it, or because it is what it was without leases.
        case unchanged(heldByOthers: Bool)
        case lowered(to: Limit, heldByOthers: Bool)
    }

    /// The effect of the end of a lease, given that the limit is as the agent set it.
    func effectOfEnding(of id: LeaseInfo.ID) -> EndEffect {
        guard contains(id) else { return .changedElsewhere }
        let value = value(without: id)
        // The end of a lease never raises a limit.
        let target = Limit(soft: min(current.soft, value.soft), hard: min(current.hard, value.hard)).softClampedToHard
        let heldByOthers = target != withoutLeases
        return target == current
            ? .unchanged(heldByOthers: heldByOthers) : .lowered(to: target, heldByOthers: heldByOthers)
    }

    /// Whether these leases can have produced a limit, also where the agent was killed between recording and writing.
    func isConsistent(with limit: Limit) -> Bool {
        let softs = [original.soft] + boundsByLease.values.compactMap(\.soft)
        let hards = [original.hard] + boundsByLease.values.compactMap(\.hard)
        return hards.contains(limit.hard) && softs.contains { min($0, limit.hard) == limit.soft }
    }

    /// Whether a limit that is consistent with these leases includes the bounds of one of them.
    func isEffective(_ bounds: LeaseBounds, in limit: Limit) -> Bool {
        if let hard = bounds.hard, hard > limit.hard { return false }
        if let soft = bounds.soft, min(soft, limit.hard) > limit.soft { return false }
        return true
    }
}
