import RlimitModel

@testable import RlimitPolicy

/// A second implementation of the decision, written from its description: rule by rule and fact by fact, with nil for
/// an unknown fact. Covers only exact edits.
struct ReferenceDecision {
    let allows: [AllowRule]
    let denies: [DenyRule]
    let peer: Peer
    let snapshot: TargetSnapshot
    let detail: ProcessDetail

    // Lines of /etc/subuid and /etc/subgid: the first id, the last one, and the owner.
    private let subuid: [(UInt32, UInt32, UInt32?)] = [
        (100_000, 100_999, 1000), (100_500, 100_999, 1001), (300_000, 300_000, nil),
    ]
    private let subgid: [(UInt32, UInt32, UInt32?)] = [(100_000, 100_999, 1001)]

    init(allows: [AllowRule], denies: [DenyRule], peer: Peer, snapshot: TargetSnapshot, detail: ProcessDetail) {
        self.allows = allows
        self.denies = denies
        self.peer = peer
        self.snapshot = snapshot
        self.detail = detail
    }

    private var ids: Credentials { snapshot.identity.credentials }
    private var own: Bool {
        [ids.realUID, ids.effectiveUID, ids.savedUID].allSatisfy { $0 == peer.uid }
            && [ids.realGID, ids.effectiveGID, ids.savedGID].allSatisfy { $0 == peer.gid }
    }
    private var uids: [UInt32] { [ids.realUID, ids.effectiveUID, ids.savedUID] }

    func mayRead(_ operation: Operations) -> Bool {
        if own { return true }
        let denied = denies.contains { rule in
            rule.operations.contains(operation) && rule.resources.isEmpty && rule.above.isEmpty && mayMatch(rule)
        }
        return !denied && allows.contains { $0.operations.contains(operation) && surelyMatches($0) }
    }

    func mayChange(_ resource: Resource, to new: Limit) -> Bool {
        let now = snapshot.now[resource]
        guard new.soft <= new.hard else { return false }
        if own && new.hard == now.hard && new.soft >= now.soft { return true }
        for rule in denies where rule.operations.contains(.set) && mayMatch(rule) {
            if rule.resources.isEmpty && rule.above.isEmpty { return false }
            if rule.resources.contains(resource) { return false }
            if let most = rule.above[resource], new.hard > now.hard, new.hard > most { return false }
        }
        let granted = allows.contains { rule in
            guard rule.operations.contains(.set), let ceiling = rule.ceilings[resource], surelyMatches(rule) else {
                return false
            }
            if rule.lease?.isRequired == true { return false }
            if new.hard > now.hard && new.hard > ceiling { return false }
            if new.hard < now.hard || new.soft < now.soft { return rule.mayLower }
            return true
        }
        let fitsKernel = resource != .openFiles || new == now || new.hard <= Policy.standardOpenFilesCeiling
        return granted && fitsKernel
    }

    private func surelyMatches(_ rule: AllowRule) -> Bool {
        let hasCgroup = rule.caller.keys.cgroups != nil || rule.caller.keys.units != nil
        guard peer.namespaceDepth == 1 || hasCgroup else { return false }
        guard matches(rule.caller) == true, relates(rule.target.relation) == true else { return false }
        if let users = rule.target.users { return uids.allSatisfy(users.contains) }
        return (snapshot.isPeer && own) || (!uids.contains(0) && detail.capabilities & ~peer.capabilities == 0)
    }

    private func mayMatch(_ rule: DenyRule) -> Bool {
        if let users = rule.target.users {
            let isPossible = uids.contains { users.contains($0) || mayBelong($0, users, subuid) }
            guard isPossible || own && isUser(peer.uid, among: users) != false else { return false }
        }
        return matches(rule.caller) != false && relates(rule.target.relation) != false
    }

    private func matches(_ pattern: CallerPattern) -> Bool? {
        let exception: Bool? = pattern.except.map(matches) ?? false
        return all([matches(pattern.keys), exception.map { !$0 }])
    }

    private func matches(_ keys: CallerKeys) -> Bool? {
        let cgroup = peer.isPinned ? known(peer.cgroup) : nil
        let label = peer.isPinned ? peer.label : nil
        return all([
            keys.users.map { isUser(peer.uid, among: $0) } ?? true,
            keys.groups.map(isMember) ?? true,
            keys.cgroups == nil ? true : cgroup.map { path in keys.cgroups?.contains { $0.matches(path) } ?? true },
            keys.units == nil ? true : cgroup.map { path in keys.units?.contains { $0.matches(path) } ?? true },
            keys.labels == nil ? true : label.map { isLabelled($0, keys.labels ?? []) } ?? nil,
        ])
    }

    // Whether the id is in a line of one of the owners, or in a line without a known owner. An empty list names no user.
    private func mayBelong(_ id: UInt32, _ owners: IDSet, _ lines: [(UInt32, UInt32, UInt32?)]) -> Bool {
        !owners.isEmpty
            && lines.contains { first, last, owner in (first...last).contains(id) && owner.map(owners.contains) ?? true
            }
    }

    private func isUser(_ uid: UInt32, among users: IDSet) -> Bool? {
        if users.isEmpty { return false }
        if users.contains(uid) { return true }
        if mayBelong(uid, users, subuid) { return nil }
        let isOwned = subuid.contains { first, last, owner in (first...last).contains(uid) || owner == uid }
        return peer.isInChildUserNamespace && !isOwned ? nil : false
    }

    private func isMember(_ groups: IDSet) -> Bool? {
        if groups.isEmpty { return false }
        let mine = [peer.gid] + peer.groups
        if mine.contains(where: groups.contains) { return true }
        if peer.isInChildUserNamespace || !peer.hasVerifiedGroups { return nil }
        return mine.contains { mayBelong($0, groups, subgid) } ? nil : false
    }

    private func isLabelled(_ label: String, _ patterns: [TextPattern]) -> Bool? {
        if patterns.contains(where: { $0.matches(label) }) { return true }
        return peer.isInChildUserNamespace ? nil : false
    }

    private func relates(_ relation: TargetPattern.Relation) -> Bool? {
        let mine = peer.isPinned ? known(peer.cgroup) : nil
        let theirs = snapshot.isPeer ? mine : known(detail.cgroup)
        let podOf = { (path: String) in CgroupPath.pod(of: path, below: Policy.standardPodRoots) }
        let samePod: Bool? = mine.flatMap { mine in
            podOf(mine) == nil ? false : theirs.map { podOf(mine) == podOf($0) }
        }
        switch relation {
        case .any: return true
        case .otherUser: return uids.contains { $0 != peer.uid }
        case .itself: return snapshot.isPeer && own
        case .sameUser: return all([own, snapshot.isPeer || peer.namespaceDepth == 1 ? true : samePod])
        case .samePod: return samePod
        case .sameCgroup:
            return mine.flatMap { mine in
                mine == "/" || mine.hasPrefix("/user.slice/") ? false : theirs.map { mine == $0 }
            }
        case .descendant:
            if !own || snapshot.isPeer { return false }
            guard peer.isPinned, let pid = peer.pid else { return nil }
            return detail.ancestors.contains(pid) ? true : detail.ancestors.last == 1 ? false : nil
        }
    }

    // A removed cgroup, one outside the agent's namespace, or one with such a name.
    private func known(_ path: String?) -> String? {
        path.flatMap { $0.hasSuffix(" (deleted)") || $0.contains("/..") ? nil : $0 }
    }

    private func all(_ facts: [Bool?]) -> Bool? {
        if facts.contains(false) { return false }
        return facts.contains(nil) ? nil : true
    }
}
