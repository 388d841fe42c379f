import RlimitModel

/// The callers that a rule applies to. Every given key must match; the values of one key are alternatives.
package struct CallerPattern: Hashable, Sendable {
    package var keys: CallerKeys
    /// Excludes callers that match all of these keys.
    package var except: CallerKeys?

    package init(_ keys: CallerKeys, except: CallerKeys? = nil) {
        self.keys = keys
        self.except = except
    }

    package static let everyone = CallerPattern(CallerKeys())

    package static func users(_ ids: UInt32...) -> CallerPattern {
        CallerPattern(CallerKeys(users: IDSet(ids.map { $0...$0 })))
    }

    /// Whether the pattern names a cgroup, which the system assigns, and not only ids that root in a container can
    /// take.
    var namesCgroup: Bool { keys.cgroups != nil || keys.units != nil }

    func match(_ peer: Peer, _ subordinates: SubordinateIDs) -> Match {
        let match = keys.match(peer, subordinates)
        guard match != .no, let except else { return match }
        return match.and(except.match(peer, subordinates).negated)
    }
}

/// The keys of `caller` and of `caller.except`; nil matches every caller.
package struct CallerKeys: Hashable, Sendable {
    package var users: IDSet?
    package var groups: IDSet?
    package var cgroups: [CgroupPattern]?
    package var units: [UnitPattern]?
    package var labels: [TextPattern]?

    package init(
        users: IDSet? = nil, groups: IDSet? = nil, cgroups: [CgroupPattern]? = nil, units: [UnitPattern]? = nil,
        labels: [TextPattern]? = nil
    ) {
        self.users = users
        self.groups = groups
        self.cgroups = cgroups
        self.units = units
        self.labels = labels
    }

    // Compares ids first: they decide most rules at the lowest cost.
    func match(_ peer: Peer, _ subordinates: SubordinateIDs) -> Match {
        var match = Match.yes
        if let users { match = subordinates.match(users, peer) }
        guard match != .no else { return .no }
        if let groups { match = match.and(subordinates.match(groups: groups, peer)) }
        guard match != .no else { return .no }
        if let cgroups { match = match.and(placed(peer) { path in cgroups.contains { $0.matches(path) } }) }
        if let units { match = match.and(placed(peer) { path in units.contains { $0.matches(path) } }) }
        if let labels {
            let isLabelled = known(peer.label, of: peer) { text in labels.contains { $0.matches(text) } }
            // AppArmor lets root of a user namespace stack profiles of its own on that of its user.
            match = match.and(isLabelled == .no && peer.isInChildUserNamespace ? .perhaps : isLabelled)
        }
        return match
    }

    // A user can create a cgroup named "x (deleted)". Its invalid path must not bypass a deny rule.
    private func placed(_ peer: Peer, matches: (String) -> Bool) -> Match {
        if let path = peer.cgroup, CgroupPath.kind(of: path) == .invalid { return .perhaps }
        return known(peer.cgroup, of: peer, matches: matches)
    }

    // Before Linux 6.5 the pid of the peer may belong to another process by now, and so may the facts read under it.
    private func known(_ fact: String?, of peer: Peer, matches: (String) -> Bool) -> Match {
        guard peer.isPinned, let fact else { return .perhaps }
        return Match(matches(fact))
    }
}
