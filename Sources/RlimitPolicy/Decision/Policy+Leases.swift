package import RlimitModel

extension Policy {
    /// Whether a caller may renew and release another holder's leases of these limits: it may if rules let it change
    /// all of these limits.
    package func mayManageLeases<E: Error>(
        _ peer: Peer, on snapshot: TargetSnapshot, of resources: [Resource],
        detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail
    ) throws(E) -> Bool {
        guard peer.sharesNamespace, !peer.hasMixedIDs else { return false }
        return try withEvaluation(peer, snapshot, detail, otherwise: false) { evaluation throws(DetailNeeded) in
            guard try evaluation.neverChanged() == nil else { return false }
            for resource in resources {
                let grants = try evaluation.grants(on: resource, lease: .connection)
                guard grants.deniedBy == nil, grants.raiseGrant != nil else { return false }
            }
            return true
        }
    }

    /// The maximum duration of a lease from its renewal on, by the current form of the rules that granted it; nil for
    /// no maximum.
    ///
    /// - Parameter isHolder: The caller holds the lease, so these rules must still apply to it.
    /// - Throws: `.deniedByPolicy` if the term exceeds the maximum, or if the rules no longer grant the leased limits.
    package func maxRenewal(
        of renewedLimits: [RenewedLimit], to term: LeaseTerm, by peer: Peer, isHolder: Bool,
        on snapshot: TargetSnapshot,
        detail: (ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail
    ) throws(RlimitError) -> Duration? {
        var maxDuration: (rule: String, Duration)?
        for limit in renewedLimits {
            guard let rule = allows.first(where: { $0.name == limit.rule }), rule.mayGrant(limit.resource),
                let ceiling = rule.ceilings[limit.resource], !isHolder || rule.covers(peer, subordinates)
            else { throw DenialMessages.leaseOfNoRule(limit.rule) }
            try refuse(limit, above: (ceiling, rule.name))
            let denies = try denies(of: limit.resource, peer, snapshot, detail)
            if let name = denies.deniedBy { throw DenialMessages.leaseExceeds(limit, rule: name, maxHard: nil) }
            if let bound = denies.denyCeiling { try refuse(limit, above: bound) }
            guard let maxHard = rule.lease?.maxDuration else { continue }
            if let known = maxDuration, known.1 <= maxHard { continue }
            maxDuration = (rule.name, maxHard)
        }
        guard let maxDuration else { return nil }
        if case .duration(let asked) = term, asked > maxDuration.1 {
            throw DenialMessages.leaseTooLong(maxDuration.rule, maxDuration.1)
        }
        return maxDuration.1
    }

    private func refuse(_ limit: RenewedLimit, above bound: (maxHard: Limit.Bound, rule: String)) throws(RlimitError) {
        guard let hard = limit.hard, hard > bound.maxHard else { return }
        throw DenialMessages.leaseExceeds(limit, rule: bound.rule, maxHard: bound.maxHard)
    }

    // If the detail of the target cannot be read, everything is denied.
    private func denies(
        of resource: Resource, _ peer: Peer, _ snapshot: TargetSnapshot,
        _ detail: (ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail
    ) throws(RlimitError) -> ResourceGrants {
        var unknown = ResourceGrants(isBaseline: false)
        unknown.denyCeiling = (0, "")
        return try withEvaluation(peer, snapshot, detail, otherwise: unknown) { evaluation throws(DetailNeeded) in
            var grants = ResourceGrants(isBaseline: false)
            try evaluation.collectDenies(on: resource, into: &grants)
            return grants
        }
    }
}

/// One limit of a lease that is renewed, and the rule that granted it.
package struct RenewedLimit: Sendable {
    let resource: Resource
    let rule: String
    /// The hard limit that the lease adds; nil if the limit is as high without the lease.
    let hard: Limit.Bound?

    package init(_ resource: Resource, rule: String, hard: Limit.Bound?) {
        self.resource = resource
        self.rule = rule
        self.hard = hard
    }
}
