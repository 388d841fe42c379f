import RlimitModel

/// One caller, one process, and the rules between them. Asked once for each request, it keeps nothing.
struct Evaluation {
    let policy: Policy
    let peer: Peer
    let snapshot: TargetSnapshot
    /// nil until something depends on it.
    var detail: ProcessDetail?

    var denials: DenialMessages { DenialMessages(peer: peer, snapshot: snapshot) }

    /// The kernel's own rule for prlimit(2), which the agent's capability switches off.
    var idsMatch: Bool { snapshot.identity.credentials.are(uid: peer.uid, gid: peer.gid) }

    /// What /proc says of the target; the decision is begun again once this part of it is known.
    func require(_ part: ProcessDetail.Parts) throws(DetailNeeded) -> ProcessDetail {
        guard let detail, detail.parts.isSuperset(of: part) else { throw DetailNeeded(part: part) }
        return detail
    }

    /// Why this process is changed by nobody, or nil.
    func neverChanged() throws(DetailNeeded) -> NeverChanged? {
        if snapshot.isAgent { return .agent }
        if snapshot.identity.pid <= 1 { return .firstProcess }
        let credentials = snapshot.identity.credentials
        if policy.protection.users.match(usersOf: credentials) != .no { return .protected }
        if policy.protection.namesCgroups {
            // Removed or not readable: it may have been one of them.
            guard let path = try cgroupOfTarget(), !policy.protection.covers(cgroup: path) else { return .protected }
        }
        // The kernel's own threads are root's, and none of them connects.
        if credentials.includeRoot, !snapshot.isPeer, try require(.kernelThread).isKernelThread { return .kernelThread }
        return nil
    }

    /// The target is more than its caller: it has root's id, or a capability that the caller lacks.
    func targetIsPrivileged() throws(DetailNeeded) -> Bool {
        // A peer that exec'd a setuid program since it connected is not any more who it was.
        if snapshot.isPeer, idsMatch { return false }
        if snapshot.identity.credentials.includeRoot { return true }
        return try require(.capabilities).capabilities & ~peer.capabilities != 0
    }

    private func cgroupOfTarget() throws(DetailNeeded) -> String? {
        if snapshot.isPeer, peer.isPinned, let path = peer.cgroup { return path }
        return try require(.cgroup).cgroup
    }
}

/// Thrown where a decision depends on more than the ids.
struct DetailNeeded: Error {
    let part: ProcessDetail.Parts
}

/// Why a process is changed by nobody, whatever the rules say.
enum NeverChanged {
    case agent, firstProcess, kernelThread, protected
}
