import RlimitModel

/// What all rules together say about one resource of one process, for one caller.
///
/// Gathered in one pass. The rules are in the order of their names, so of two that say the same the first is kept.
struct ResourceGrants {
    /// prlimit(2), called by the caller itself, would let it read, and raise soft up to hard.
    var isBaseline: Bool
    /// The deny that forbids every change beyond the baseline.
    var deniedBy: String?
    /// The deny that lets the hard limit be raised least far.
    var denyCeiling: (maxHard: Limit.Bound, rule: String)?
    /// The allow that lets it be raised furthest.
    var raiseGrant: Grant?
    /// The same among those that let it be lowered.
    var lowerGrant: Grant?
    /// The same among those that would grant something if it had an end, or an earlier one.
    var leaseOnlyGrant: Grant?
    /// An allow that is silent only because the target has more privilege than the caller.
    var skippedForPrivilege: String?

    struct Grant {
        var ceiling: Limit.Bound
        var rule: String
        var lease: LeaseTerms?
    }

    /// Whether the caller has any business with this limit, and so may learn what it is.
    var isVisibleToCaller: Bool { isBaseline || (raiseGrant != nil && deniedBy == nil) }

    /// How far the hard limit may be raised from `now`; nil where it may not even be spoken of.
    func maxHard(from now: Limit, systemCeiling: Limit.Bound) -> Limit.Bound? {
        guard isVisibleToCaller else { return nil }
        guard deniedBy == nil, let raiseGrant else { return now.hard }
        return max(now.hard, min(raiseGrant.ceiling, denyCeiling?.maxHard ?? .infinity, systemCeiling))
    }
}

extension Evaluation {
    func grants(on resource: Resource, lease: LeaseTerm?) throws(DetailNeeded) -> ResourceGrants {
        var grants = ResourceGrants(isBaseline: snapshot.isBaseline(for: peer))
        try collectDenies(on: resource, into: &grants)
        let rules = policy.allowList.rules
        for place in policy.allowList.indices(for: peer) where rules[place].mayGrant(resource) {
            // In place: a copy of a whole rule takes long.
            guard let ceiling = rules[place].ceilings[resource], rules[place].covers(peer) else { continue }
            guard try match(rules[place].target) == .yes else { continue }
            guard try allowsTargetPrivilege(rules[place]) else {
                grants.skippedForPrivilege = grants.skippedForPrivilege ?? rules[place].name
                continue
            }
            let grant = ResourceGrants.Grant(ceiling: ceiling, rule: rules[place].name, lease: rules[place].lease)
            guard grant.lease?.allows(lease) ?? true else {
                keepHigherCeiling(grant, in: &grants.leaseOnlyGrant)
                continue
            }
            keepHigherCeiling(grant, in: &grants.raiseGrant)
            if rules[place].mayLower { keepHigherCeiling(grant, in: &grants.lowerGrant) }
        }
        return grants
    }

    /// Whether a rule that fits is open to this target: one with more privilege than the caller must be named.
    func allowsTargetPrivilege(_ rule: AllowRule) throws(DetailNeeded) -> Bool {
        // Whoever is named was matched by `match` already.
        if rule.target.users != nil { return true }
        return try !targetIsPrivileged()
    }

    func collectDenies(on resource: Resource, into grants: inout ResourceGrants) throws(DetailNeeded) {
        guard !policy.denyList.rules.isEmpty else { return }
        for rule in policy.denyList.candidates(for: peer) {
            guard let effect = rule.effect(on: resource), rule.caller.match(peer) != .no else { continue }
            guard try match(rule.target) != .no else { continue }
            switch effect {
            case .denied:
                grants.deniedBy = grants.deniedBy ?? rule.name
            case .ceiling(let maxHard):
                if let known = grants.denyCeiling, known.maxHard <= maxHard { continue }
                grants.denyCeiling = (maxHard, rule.name)
            }
        }
    }

    private func keepHigherCeiling(_ grant: ResourceGrants.Grant, in kept: inout ResourceGrants.Grant?) {
        if let kept, kept.ceiling >= grant.ceiling { return }
        kept = grant
    }
}
