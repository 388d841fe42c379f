import RlimitModel

/// The processes that a rule applies to, relative to the caller.
package struct TargetPattern: Hashable, Sendable {
    package var relation: Relation
    /// Only processes of these users; nil for all users.
    package var users: IDSet?

    package init(_ relation: Relation, users: IDSet? = nil) {
        self.relation = relation
        self.users = users
    }

    /// The relation of the target to the caller.
    package enum Relation: String, Hashable, CaseIterable, Sendable {
        /// The process that connected.
        case itself = "self"
        /// Processes with the caller's ids; for a caller in a container, only those in its pod.
        case sameUser = "same-user"
        /// Processes that descend from the caller and have its ids.
        case descendant
        /// Processes of any user in the caller's cgroup.
        case sameCgroup = "same-cgroup"
        /// Processes of any user in the caller's pod.
        case samePod = "same-pod"
        /// Every process.
        case any
        /// Every process with a user id other than the caller's.
        case otherUser = "other-user"
    }
}

extension Evaluation {
    func match(_ target: TargetPattern) throws(DetailNeeded) -> Match {
        var match = Match.yes
        if let users = target.users {
            match = policy.subordinates.match(users, usersOf: snapshot.identity.credentials)
            // A process with the caller's ids is no more certainly another user's than the caller is.
            if match == .no, idsMatch { match = policy.subordinates.match(users, peer).and(.perhaps) }
            guard match != .no else { return .no }
        }
        return match.and(try self.match(target.relation))
    }

    private func match(_ relation: TargetPattern.Relation) throws(DetailNeeded) -> Match {
        switch relation {
        case .any: .yes
        case .otherUser: Match(hasOtherUser)
        case .itself: Match(snapshot.isPeer && idsMatch)
        case .sameUser: idsMatch ? try sameUserMatch() : .no
        case .descendant: idsMatch ? try descendantMatch() : .no
        case .sameCgroup: try sameCgroupMatch()
        case .samePod: try samePodMatch()
        }
    }

    private var hasOtherUser: Bool {
        let credentials = snapshot.identity.credentials
        return credentials.realUID != peer.uid || credentials.effectiveUID != peer.uid
            || credentials.savedUID != peer.uid
    }

    // Processes of two unrelated containers can have the same uid.
    private func sameUserMatch() throws(DetailNeeded) -> Match {
        snapshot.isPeer || peer.sharesNamespace ? .yes : try samePodMatch()
    }

    private func descendantMatch() throws(DetailNeeded) -> Match {
        guard !snapshot.isPeer else { return .no }
        guard peer.isPinned, let pid = peer.pid else { return .perhaps }
        let ancestors = try require(.ancestors).ancestors
        if ancestors.contains(pid) { return .yes }
        return ancestors.last == 1 ? .no : .perhaps
    }

    private func sameCgroupMatch() throws(DetailNeeded) -> Match {
        guard peer.isPinned, let mine = peer.cgroup else { return .perhaps }
        if CgroupPath.kind(of: mine) == .invalid { return .perhaps }
        guard CgroupPath.isRegular(mine), !CgroupPath.isInUserSlice(mine) else { return .no }
        if snapshot.isPeer { return .yes }
        guard let theirs = try require(.cgroup).cgroup, CgroupPath.kind(of: theirs) != .invalid else {
            return .perhaps
        }
        return Match(mine.utf8.elementsEqual(theirs.utf8))
    }

    private func samePodMatch() throws(DetailNeeded) -> Match {
        guard peer.isPinned, let path = peer.cgroup else { return .perhaps }
        if CgroupPath.kind(of: path) == .invalid { return .perhaps }
        guard let mine = CgroupPath.pod(of: path, below: policy.podRoots) else { return .no }
        if snapshot.isPeer { return .yes }
        guard let theirs = try require(.cgroup).cgroup, CgroupPath.kind(of: theirs) != .invalid else {
            return .perhaps
        }
        guard let pod = CgroupPath.pod(of: theirs, below: policy.podRoots) else { return .no }
        return Match(mine.utf8.elementsEqual(pod.utf8))
    }
}
