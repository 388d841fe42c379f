package import RlimitModel

// What may be done with a lease once it was granted.

extension Policy {
    /// Whether a caller may renew and release leases of these limits that are another's: whoever may change the limits may.
    package func letsManageLeases<E: Error>(
        _ peer: Peer, on subject: Subject, of resources: [Resource],
        detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail
    ) throws(E) -> Bool {
        guard peer.sharesNamespace, !peer.hasMixedIDs else { return false }
        return try judged(peer, subject, detail, otherwise: false) { judge throws(DetailNeeded) in
            guard try judge.neverChanged() == nil else { return false }
            for resource in resources {
                let standing = try judge.standing(on: resource, lease: .connection)
                guard standing.untouchable == nil, standing.raising != nil else { return false }
            }
            return true
        }
    }

    /// The longest that a lease may last from its renewal on, by the rules that granted it, as they are now; nil is any time.
    ///
    /// - Parameter isHolder: The caller has the lease, and so must still be among those whom these rules are about.
    /// - Throws: `.deniedByPolicy` where it is to last longer, or the rules do not give as much any more.
    package func longestRenewal(
        of lent: [LentLimit], to term: LeaseTerm, by peer: Peer, isHolder: Bool, on subject: Subject,
        detail: (ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail
    ) throws(RlimitError) -> Duration? {
        var longest: (rule: String, Duration)?
        for limit in lent {
            guard let rule = allows.first(where: { $0.name == limit.rule }), rule.mayGrant(limit.resource),
                let ceiling = rule.ceilings[limit.resource], !isHolder || rule.covers(peer)
            else { throw Refusals.leaseOfNoRule(limit.rule) }
            try refuse(limit, above: (ceiling, rule.name))
            let denies = try denies(of: limit.resource, peer, subject, detail)
            if let name = denies.untouchable { throw Refusals.leaseBeyond(limit, rule: name, most: nil) }
            if let bound = denies.bound { try refuse(limit, above: bound) }
            guard let most = rule.lease?.longest else { continue }
            if let known = longest, known.1 <= most { continue }
            longest = (rule.name, most)
        }
        guard let longest else { return nil }
        if case .duration(let asked) = term, asked > longest.1 { throw Refusals.leaseTooLong(longest.rule, longest.1) }
        return longest.1
    }

    private func refuse(_ limit: LentLimit, above bound: (most: Limit.Bound, rule: String)) throws(RlimitError) {
        guard let hard = limit.hard, hard > bound.most else { return }
        throw Refusals.leaseBeyond(limit, rule: bound.rule, most: bound.most)
    }

    // What cannot be found out is denied.
    private func denies(
        of resource: Resource, _ peer: Peer, _ subject: Subject,
        _ detail: (ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail
    ) throws(RlimitError) -> Standing {
        var unknown = Standing(isBaseline: false)
        unknown.bound = (0, "")
        return try judged(peer, subject, detail, otherwise: unknown) { judge throws(DetailNeeded) in
            var standing = Standing(isBaseline: false)
            try judge.gatherDenies(on: resource, into: &standing)
            return standing
        }
    }
}

/// What a lease holds up of one limit, and by which rule.
package struct LentLimit: Sendable {
    let resource: Resource
    let rule: String
    /// nil: the hard limit is as high without it.
    let hard: Limit.Bound?

    package init(_ resource: Resource, rule: String, hard: Limit.Bound?) {
        self.resource = resource
        self.rule = rule
        self.hard = hard
    }
}
