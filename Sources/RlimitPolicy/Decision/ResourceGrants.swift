import RlimitModel

/// The combined effect of all rules on one resource of one target, for one caller.
///
/// Collected in one pass over the rules in the order of their names. Of two rules with the same effect, the first
/// counts.
struct ResourceGrants {
    /// prlimit(2), called by the caller itself, would allow reading, and raising soft up to hard.
    var isBaseline: Bool
    /// The deny rule that forbids every change beyond the baseline.
    var deniedBy: String?
    /// The lowest bound that a deny rule sets for the hard limit.
    var denyCeiling: (maxHard: Limit.Bound, rule: String)?
    /// The allow rule with the highest ceiling.
    var raiseGrant: Grant?
    /// The allow rule with the highest ceiling among those that permit lowering.
    var lowerGrant: Grant?
    /// The allow rule with the highest ceiling among those that grant only a lease, or only a shorter one.
    var leaseOnlyGrant: Grant?
    /// An allow rule that does not apply only because the target has more privilege than the caller.
    var skippedForPrivilege: String?

    struct Grant {
        var ceiling: Limit.Bound
        var rule: String
        var lease: LeaseTerms?
    }

    /// Whether the caller may learn the value of this limit.
    var isVisibleToCaller: Bool { isBaseline || (raiseGrant != nil && deniedBy == nil) }

    /// The maximum to which the hard limit may be raised from `now`; nil if the caller may not even learn its value.
    func maxHard(from now: Limit, systemCeiling: Limit.Bound) -> Limit.Bound? {
        guard isVisibleToCaller else { return nil }
        guard deniedBy == nil, let raiseGrant else { return now.hard }
        return max(now.hard, min(raiseGrant.ceiling, denyCeiling?.maxHard ?? .infinity, systemCeiling))
    }

    /// The rule that grants the maximum; nil if the baseline does.
    func ruleGranting(_ maxHard: Limit.Bound, from now: Limit) -> String? {
        maxHard > now.hard || !isBaseline ? raiseGrant?.rule : nil
    }
}

extension Evaluation {
    func grants(on resource: Resource, lease: LeaseTerm?) throws(DetailNeeded) -> ResourceGrants {
        var grants = ResourceGrants(isBaseline: snapshot.isBaseline(for: peer))
        try collectDenies(on: resource, into: &grants)
        let rules = policy.allowList.rules
        for place in policy.allowList.indices(for: peer) where rules[place].mayGrant(resource) {
            // Reads the rule in place: copying a whole rule is expensive.
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

    /// Whether a matching rule applies to the privilege of the target: a target with more privilege than the caller
    /// must be named in target.users.
    func allowsTargetPrivilege(_ rule: AllowRule) throws(DetailNeeded) -> Bool {
        // `match` has compared the users already.
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
