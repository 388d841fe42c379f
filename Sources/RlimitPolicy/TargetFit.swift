import RlimitModel

// How the target stands to the caller, and whether that is what a rule means.

extension Judge {
    func fit(_ target: TargetPattern) throws(DetailNeeded) -> Fit {
        var fit = Fit.yes
        if let users = target.users {
            fit = users.fit(usersOf: subject.identity.credentials)
            guard fit != .no else { return .no }
        }
        return fit.and(try self.fit(target.relation))
    }

    private func fit(_ relation: TargetPattern.Relation) throws(DetailNeeded) -> Fit {
        switch relation {
        case .any: .yes
        case .otherUser: Fit(hasOtherUser)
        case .itself: Fit(subject.isPeer && idsMatch)
        case .sameUser: idsMatch ? try sameUserFit() : .no
        case .descendant: idsMatch ? try descendantFit() : .no
        case .sameCgroup: try sameCgroupFit()
        case .samePod: try samePodFit()
        }
    }

    private var hasOtherUser: Bool {
        let credentials = subject.identity.credentials
        return credentials.realUID != peer.uid || credentials.effectiveUID != peer.uid
            || credentials.savedUID != peer.uid
    }

    // Two containers can have processes of one uid and yet nothing to do with each other.
    private func sameUserFit() throws(DetailNeeded) -> Fit {
        subject.isPeer || peer.sharesNamespace ? .yes : try samePodFit()
    }

    private func descendantFit() throws(DetailNeeded) -> Fit {
        guard !subject.isPeer else { return .no }
        guard peer.isPinned, let pid = peer.pid else { return .perhaps }
        let ancestors = try require(.ancestors).ancestors
        if ancestors.contains(pid) { return .yes }
        return ancestors.last == 1 ? .no : .perhaps
    }

    private func sameCgroupFit() throws(DetailNeeded) -> Fit {
        guard peer.isPinned, let mine = peer.cgroup else { return .perhaps }
        if CgroupPath.meaning(of: mine) == .unclear { return .perhaps }
        guard CgroupPath.namesSomething(mine), !CgroupPath.isUsers(mine) else { return .no }
        if subject.isPeer { return .yes }
        guard let theirs = try require(.cgroup).cgroup, CgroupPath.meaning(of: theirs) != .unclear else {
            return .perhaps
        }
        return Fit(mine.utf8.elementsEqual(theirs.utf8))
    }

    private func samePodFit() throws(DetailNeeded) -> Fit {
        guard peer.isPinned, let path = peer.cgroup else { return .perhaps }
        if CgroupPath.meaning(of: path) == .unclear { return .perhaps }
        guard let mine = CgroupPath.pod(of: path, below: policy.podRoots) else { return .no }
        if subject.isPeer { return .yes }
        guard let theirs = try require(.cgroup).cgroup, CgroupPath.meaning(of: theirs) != .unclear else {
            return .perhaps
        }
        guard let pod = CgroupPath.pod(of: theirs, below: policy.podRoots) else { return .no }
        return Fit(mine.utf8.elementsEqual(pod.utf8))
    }
}
