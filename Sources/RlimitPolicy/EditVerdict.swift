import RlimitModel

/// One edit against what the rules say of its resource: a decision over five values, which asks nobody. The judge words the
/// refusals.
struct EditVerdict {
    let edit: NumericEdit
    let now: Limit
    /// Without what leases lend of it.
    let lasting: Limit
    let standing: Standing
    let lease: LeaseTerm?
    let systemCeiling: Limit.Bound

    struct Decided {
        var new: Limit
        var grant: Standing.Grant?
        var shortfall: RlimitError?
    }

    func decide(_ judge: Judge) -> Result<Decided, RlimitError> {
        if lease != nil, !edit.resource.isLeasable { return .failure(judge.refusals.notLeasable(edit.resource)) }
        guard let most = standing.most(from: now, systemCeiling: systemCeiling) else {
            return .failure(judge.refusals.noBusiness(standing, edit.resource, wanted: edit.hard))
        }
        if let expected = edit.expecting, expected != now {
            return .failure(judge.refusals.conflict(edit.resource, now: now, expected: expected))
        }
        let new = edit.mode == .clamp ? clamped(to: most) : edit.applied(to: now)
        guard new.soft <= new.hard else { return .failure(judge.refusals.softExceedsHard(edit.resource, new)) }
        return grant(of: new, most: most, judge).map { grant in
            Decided(
                new: new, grant: grant, shortfall: edit.mode == .clamp ? shortfall(of: new, most: most, judge) : nil)
        }
    }

    // The rule that grants it; nil inside where none is needed.
    private func grant(of new: Limit, most: Limit.Bound, _ judge: Judge) -> Result<Standing.Grant?, RlimitError> {
        // A lease ends by lowering, which is beyond the baseline.
        if standing.isBaseline, isBaseline(new), lease == nil {
            // A hard limit that is there only because it is lent stays if a rule gives it.
            let isLent = (edit.hard ?? 0) > lasting.hard && standing.untouchable == nil
            return .success(isLent ? standing.raising : nil)
        }
        if let deny = standing.untouchable {
            return .failure(judge.refusals.untouchable(edit.resource, deny, most: standing.isBaseline ? most : nil))
        }
        if new.hard > now.hard, let bound = standing.bound, new.hard > bound.most {
            return .failure(judge.refusals.raise(edit.resource, to: new.hard, standing, now: now, most: most))
        }
        if standing.raising == nil, lease != nil, isBaseline(new) {
            return .failure(judge.refusals.noLease(standing, edit.resource, most: most))
        }
        let lowers = new.soft < now.soft || new.hard < now.hard
        if lowers, lease != nil { return .failure(judge.refusals.leaseLowers(edit.resource, now, new)) }
        guard let grant = lowers ? standing.lowering : standing.raising else {
            return .failure(
                lowers ? judge.refusals.lower(edit.resource, now, new, most) : refusedRaise(new, most, judge))
        }
        guard new.hard <= now.hard || new.hard <= grant.ceiling else { return .failure(refusedRaise(new, most, judge)) }
        guard new == now || new.hard <= systemCeiling else {
            return .failure(judge.refusals.aboveSystemCeiling(edit.resource, new.hard, systemCeiling, most: most))
        }
        // What another lease lends is no reason to lend it for longer.
        let lendable = max(lasting.hard, reach(of: grant))
        if lease != nil, edit.mode != .clamp, let hard = edit.hard, hard > lendable {
            return .failure(judge.refusals.lentByOthers(edit.resource, grant.rule, most: lendable))
        }
        return .success(grant)
    }

    /// How far a grant goes, with what denies and the kernel leave of it.
    func reach(of grant: Standing.Grant) -> Limit.Bound {
        min(grant.ceiling, standing.bound?.most ?? .infinity, systemCeiling)
    }

    /// Soft moved up to at most the hard limit there is, or nothing at all.
    private func isBaseline(_ new: Limit) -> Bool { new.hard == now.hard && new.soft >= now.soft }

    private func refusedRaise(_ new: Limit, _ most: Limit.Bound, _ judge: Judge) -> RlimitError {
        judge.refusals.raise(edit.resource, to: new.hard, standing, now: now, most: most)
    }

    private func clamped(to most: Limit.Bound) -> Limit {
        let hard = max(now.hard, min(edit.hard ?? now.hard, most))
        return Limit(soft: max(now.soft, min(edit.soft ?? now.soft, hard)), hard: hard)
    }

    private func shortfall(of new: Limit, most: Limit.Bound, _ judge: Judge) -> RlimitError? {
        if let hard = edit.hard, hard > new.hard {
            let granted = standing.untouchable == nil ? standing.raising?.ceiling : nil
            if let granted, min(granted, standing.bound?.most ?? .infinity) > systemCeiling {
                return judge.refusals.aboveSystemCeiling(edit.resource, hard, systemCeiling, most: most)
            }
            return judge.refusals.raise(edit.resource, to: hard, standing, now: now, most: most)
        }
        guard let soft = edit.soft, soft > new.soft else { return nil }
        return judge.refusals.softExceedsHard(edit.resource, Limit(soft: soft, hard: new.hard))
    }
}
