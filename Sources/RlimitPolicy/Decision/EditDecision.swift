import RlimitModel

/// The decision on one edit, given the grants of the rules for its resource. Pure: it looks nothing up. The evaluation
/// supplies the messages of refusals.
struct EditDecision {
    let edit: NumericEdit
    let now: Limit
    /// The limit as it would be without leases.
    let withoutLeases: Limit
    let grants: ResourceGrants
    let lease: LeaseTerm?
    let systemCeiling: Limit.Bound

    struct Outcome {
        var new: Limit
        var grant: ResourceGrants.Grant?
        var shortfall: RlimitError?
    }

    func decide(_ evaluation: Evaluation) -> Result<Outcome, RlimitError> {
        if lease != nil, !edit.resource.isLeasable { return .failure(evaluation.denials.notLeasable(edit.resource)) }
        guard let maxHard = grants.maxHard(from: now, systemCeiling: systemCeiling) else {
            return .failure(evaluation.denials.noGrant(grants, edit.resource, wanted: edit.hard))
        }
        if let expected = edit.expecting, expected != now {
            return .failure(evaluation.denials.conflict(edit.resource, now: now, expected: expected))
        }
        let new = edit.mode == .clamp ? clamped(to: maxHard) : edit.applied(to: now)
        guard new.soft <= new.hard else { return .failure(evaluation.denials.softExceedsHard(edit.resource, new)) }
        return grant(of: new, maxHard: maxHard, evaluation).map { grant in
            Outcome(
                new: new, grant: grant,
                shortfall: edit.mode == .clamp ? shortfall(of: new, maxHard: maxHard, evaluation) : nil)
        }
    }

    // The rule that grants the new limit; success with nil if it needs none.
    private func grant(of new: Limit, maxHard: Limit.Bound, _ evaluation: Evaluation) -> Result<
        ResourceGrants.Grant?, RlimitError
    > {
        // Not for a lease: its end lowers the limit, which the baseline does not cover.
        if grants.isBaseline, isBaseline(new), lease == nil {
            // If only a lease holds the hard limit this high, a rule must grant it to keep it after the lease.
            let exceedsUnleasedLimit = (edit.hard ?? 0) > withoutLeases.hard && grants.deniedBy == nil
            return .success(exceedsUnleasedLimit ? grants.raiseGrant : nil)
        }
        if let deny = grants.deniedBy {
            return .failure(
                evaluation.denials.deniedBy(edit.resource, deny, maxHard: grants.isBaseline ? maxHard : nil))
        }
        if new.hard > now.hard, let bound = grants.denyCeiling, new.hard > bound.maxHard {
            return .failure(evaluation.denials.raise(edit.resource, to: new.hard, grants, now: now, maxHard: maxHard))
        }
        if grants.raiseGrant == nil, lease != nil, isBaseline(new) {
            return .failure(evaluation.denials.noLease(grants, edit.resource, maxHard: maxHard))
        }
        let lowers = new.soft < now.soft || new.hard < now.hard
        if lowers, lease != nil { return .failure(evaluation.denials.leaseLowers(edit.resource, now, new)) }
        guard let grant = lowers ? grants.lowerGrant : grants.raiseGrant else {
            return .failure(
                lowers
                    ? evaluation.denials.lower(edit.resource, now, new, maxHard)
                    : refusedRaise(new, maxHard, evaluation))
        }
        guard new.hard <= now.hard || new.hard <= grant.ceiling else {
            return .failure(refusedRaise(new, maxHard, evaluation))
        }
        guard new == now || new.hard <= systemCeiling else {
            return .failure(
                evaluation.denials.aboveSystemCeiling(edit.resource, new.hard, systemCeiling, maxHard: maxHard))
        }
        // A raise that is in force only because of another lease cannot be leased again.
        let maxLeasable = max(withoutLeases.hard, effectiveCeiling(of: grant))
        if lease != nil, edit.mode != .clamp, let hard = edit.hard, hard > maxLeasable {
            return .failure(evaluation.denials.leasedByOthers(edit.resource, grant.rule, maxHard: maxLeasable))
        }
        return .success(grant)
    }

    /// The ceiling of a grant, reduced by deny rules and by the kernel's maximum.
    func effectiveCeiling(of grant: ResourceGrants.Grant) -> Limit.Bound {
        min(grant.ceiling, grants.denyCeiling?.maxHard ?? .infinity, systemCeiling)
    }

    /// Whether the edit changes nothing, or raises soft to at most the current hard limit.
    private func isBaseline(_ new: Limit) -> Bool { new.hard == now.hard && new.soft >= now.soft }

    private func refusedRaise(_ new: Limit, _ maxHard: Limit.Bound, _ evaluation: Evaluation) -> RlimitError {
        evaluation.denials.raise(edit.resource, to: new.hard, grants, now: now, maxHard: maxHard)
    }

    private func clamped(to maxHard: Limit.Bound) -> Limit {
        let hard = max(now.hard, min(edit.hard ?? now.hard, maxHard))
        return Limit(soft: max(now.soft, min(edit.soft ?? now.soft, hard)), hard: hard)
    }

    private func shortfall(of new: Limit, maxHard: Limit.Bound, _ evaluation: Evaluation) -> RlimitError? {
        if let hard = edit.hard, hard > new.hard {
            let granted = grants.deniedBy == nil ? grants.raiseGrant?.ceiling : nil
            if let granted, min(granted, grants.denyCeiling?.maxHard ?? .infinity) > systemCeiling {
                return evaluation.denials.aboveSystemCeiling(edit.resource, hard, systemCeiling, maxHard: maxHard)
            }
            return evaluation.denials.raise(edit.resource, to: hard, grants, now: now, maxHard: maxHard)
        }
        guard let soft = edit.soft, soft > new.soft else { return nil }
        return evaluation.denials.softExceedsHard(edit.resource, Limit(soft: soft, hard: new.hard))
    }
}

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
            guard let ceiling = rules[place].ceilings[resource], rules[place].covers(peer, policy.subordinates) else {
                continue
            }
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
        for rule in policy.denyCandidates(for: peer) {
            guard let effect = rule.effect(on: resource), rule.caller.match(peer, policy.subordinates) != .no else {
                continue
            }
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
