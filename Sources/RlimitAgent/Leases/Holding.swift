import RlimitModel

/// One limit of one process, as far as leases hold it up.
///
/// What is lent is never added up: the limit is the greatest of what it was, what was given for good since, and what each
/// live lease holds. So the order in which leases end does not matter.
struct Holding: Hashable, Sendable {
    let generation: UInt64
    /// As it was before the first of these leases.
    let original: Limit
    /// As it was last set here. A limit that is another was changed by somebody else, and is left to them.
    var current: Limit
    private var holds: [LeaseInfo.ID: LeaseHold] = [:]
    // Leases that are over and not taken back yet: they hold nothing up.
    private var pending: Set<LeaseInfo.ID> = []
    /// What was given for good.
    private(set) var lastingID: LeaseInfo.ID?

    init(generation: UInt64, original: Limit, current: Limit) {
        self.generation = generation
        self.original = original
        self.current = current
    }

    func contains(_ id: LeaseInfo.ID) -> Bool { holds[id] != nil || pending.contains(id) }

    mutating func insert(_ lease: Lease, _ hold: LeaseHold) {
        if lease.isOver { pending.insert(lease.id) } else { holds[lease.id] = hold }
        if lease.term == .forGood { lastingID = lease.id }
    }

    /// It holds nothing up from now on, but is not gone yet.
    mutating func suspend(_ id: LeaseInfo.ID) {
        guard holds.removeValue(forKey: id) != nil else { return }
        pending.insert(id)
    }

    mutating func remove(_ id: LeaseInfo.ID) {
        holds[id] = nil
        pending.remove(id)
        if lastingID == id { lastingID = nil }
    }

    /// Nobody is left who would take anything back.
    var isIdle: Bool { pending.isEmpty && holds.count == (lastingID == nil ? 0 : 1) }

    /// What it is once all leases have ended.
    var lasting: Limit {
        guard let lastingID, let hold = holds[lastingID] else { return original }
        return original.raised(by: hold).levelled
    }

    // What it is to be without one of the live leases.
    private func value(without id: LeaseInfo.ID) -> Limit {
        var value = original
        for (holder, hold) in holds where holder != id { value = value.raised(by: hold) }
        return value.levelled
    }

    /// What the end of a lease means for a limit.
    enum Ending: Equatable {
        /// It is not as it was set here.
        case changed
        /// It stays as it is, because others hold it there, or because it was so without leases.
        case stays(byOthers: Bool)
        case falls(to: Limit, byOthers: Bool)
    }

    /// What the end of a lease means for this limit, if it is as it was set here.
    func ending(of id: LeaseInfo.ID) -> Ending {
        guard contains(id) else { return .changed }
        let value = value(without: id)
        // An end never raises anything.
        let target = Limit(soft: min(current.soft, value.soft), hard: min(current.hard, value.hard)).levelled
        let byOthers = target != lasting
        return target == current ? .stays(byOthers: byOthers) : .falls(to: target, byOthers: byOthers)
    }

    /// Whether a limit is one that these leases can have brought about, also where the agent was ended between two steps.
    func explains(_ limit: Limit) -> Bool {
        let softs = [original.soft] + holds.values.compactMap(\.soft)
        let hards = [original.hard] + holds.values.compactMap(\.hard)
        return hards.contains(limit.hard) && softs.contains { min($0, limit.hard) == limit.soft }
    }

    /// Whether what a lease holds is in a limit that these leases explain.
    func isEffective(_ hold: LeaseHold, in limit: Limit) -> Bool {
        if let hard = hold.hard, hard > limit.hard { return false }
        if let soft = hold.soft, min(soft, limit.hard) > limit.soft { return false }
        return true
    }
}
