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
        // The end of a lease lowers the limit, which the baseline does not cover.
        if grants.isBaseline, isBaseline(new), lease == nil {
            // A hard limit that is in force only because of a lease outlasts the lease if a rule grants it.
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
