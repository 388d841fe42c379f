import RlimitModel

/// What all rules together say about one resource of one process, for one caller.
///
/// Gathered in one pass. The rules are in the order of their names, so of two that say the same the first is kept.
struct Standing {
    /// prlimit(2), called by the caller itself, would let it read, and raise soft up to hard.
    var isBaseline: Bool
    /// The deny that forbids every change beyond the baseline.
    var untouchable: String?
    /// The deny that lets the hard limit be raised least far.
    var bound: (most: Limit.Bound, rule: String)?
    /// The allow that lets it be raised furthest.
    var raising: Grant?
    /// The same among those that let it be lowered.
    var lowering: Grant?
    /// The same among those that would grant something if it had an end, or an earlier one.
    var onlyLeased: Grant?
    /// An allow that is silent only because the target has more privilege than the caller.
    var silentOnPrivileged: String?

    struct Grant {
        var ceiling: Limit.Bound
        var rule: String
        var lease: LeaseTerms?
    }

    /// Whether the caller has any business with this limit, and so may learn what it is.
    var concernsCaller: Bool { isBaseline || (raising != nil && untouchable == nil) }

    /// How far the hard limit may be raised from `now`; nil where it may not even be spoken of.
    func most(from now: Limit, systemCeiling: Limit.Bound) -> Limit.Bound? {
        guard concernsCaller else { return nil }
        guard untouchable == nil, let raising else { return now.hard }
        return max(now.hard, min(raising.ceiling, bound?.most ?? .infinity, systemCeiling))
    }
}

extension Judge {
    func standing(on resource: Resource, lease: LeaseTerm?) throws(DetailNeeded) -> Standing {
        var standing = Standing(isBaseline: subject.isBaseline(for: peer))
        try gatherDenies(on: resource, into: &standing)
        let rules = policy.allowList.rules
        for place in policy.allowList.places(for: peer) where rules[place].mayGrant(resource) {
            // In place: a copy of a whole rule takes long.
            guard let ceiling = rules[place].ceilings[resource], rules[place].covers(peer) else { continue }
            guard try fit(rules[place].target) == .yes else { continue }
            guard try isOpen(rules[place]) else {
                standing.silentOnPrivileged = standing.silentOnPrivileged ?? rules[place].name
                continue
            }
            let grant = Standing.Grant(ceiling: ceiling, rule: rules[place].name, lease: rules[place].lease)
            guard grant.lease?.admit(lease) ?? true else {
                keepGreater(grant, in: &standing.onlyLeased)
                continue
            }
            keepGreater(grant, in: &standing.raising)
            if rules[place].mayLower { keepGreater(grant, in: &standing.lowering) }
        }
        return standing
    }

    /// Whether a rule that fits is open to this target: one with more privilege than the caller must be named.
    func isOpen(_ rule: AllowRule) throws(DetailNeeded) -> Bool {
        // Whoever is named was matched by `fit` already.
        if rule.target.users != nil { return true }
        return try !subjectIsPrivileged()
    }

    func gatherDenies(on resource: Resource, into standing: inout Standing) throws(DetailNeeded) {
        guard !policy.denyList.rules.isEmpty else { return }
        for rule in policy.denyList.candidates(for: peer) {
            guard let bound = rule.bound(on: resource), rule.caller.fit(peer) != .no else { continue }
            guard try fit(rule.target) != .no else { continue }
            switch bound {
            case .untouchable:
                standing.untouchable = standing.untouchable ?? rule.name
            case .most(let most):
                if let known = standing.bound, known.most <= most { continue }
                standing.bound = (most, rule.name)
            }
        }
    }

    private func keepGreater(_ grant: Standing.Grant, in kept: inout Standing.Grant?) {
        if let kept, kept.ceiling >= grant.ceiling { return }
        kept = grant
    }
}
