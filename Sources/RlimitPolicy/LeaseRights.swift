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

    /// The longest that a lease may last from its renewal on, by the rules that granted it; nil is any time.
    ///
    /// - Throws: `.deniedByPolicy` where it is to last longer, or a rule is there no more.
    package func longestRenewal(of rules: [String], to term: LeaseTerm) throws(RlimitError) -> Duration? {
        var longest: (rule: String, Duration)?
        for name in rules {
            guard let rule = allows.first(where: { $0.name == name }) else { throw Refusals.leaseOfNoRule(name) }
            guard let most = rule.lease?.longest else { continue }
            if let known = longest, known.1 <= most { continue }
            longest = (name, most)
        }
        guard let longest else { return nil }
        if case .duration(let asked) = term, asked > longest.1 { throw Refusals.leaseTooLong(longest.rule, longest.1) }
        return longest.1
    }
}
