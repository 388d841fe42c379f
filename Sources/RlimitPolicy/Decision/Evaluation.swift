package import RlimitModel

/// One caller, one process, and the rules between them. Asked once for each request, it keeps nothing.
package struct Evaluation {
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

extension Evaluation {
    /// The decision, or the part of the target's detail that it depends on.
    package enum Outcome: Sendable {
        case decided(Result<AuthorizedRequest, RlimitError>)
        case needsDetail(ProcessDetail.Parts)
    }
}

extension Evaluation {
    func authorize(_ operation: Request.Operation) throws(DetailNeeded) -> Result<AuthorizedRequest, RlimitError> {
        switch operation {
        case .set(_, let edits, let lease):
            return try decide(edits, lease: lease).map { AuthorizedRequest(.change($0)) }
        case .prlimit(_, let resource, let new?):
            let edit = NumericEdit(resource, soft: new.soft, hard: new.hard)
            return try decide(EditBatch(edit), lease: nil).map { AuthorizedRequest(.change($0)) }
        case .get, .prlimit, .usage, .threadUsage:
            guard let authorizedOperation = AuthorizedOperation.reading(operation) else {
                return .failure(RlimitError(.internalError))
            }
            if let refusal = try refusalToRead(.reading(operation)) { return .failure(refusal) }
            return .success(AuthorizedRequest(authorizedOperation))
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats:
            return policy.authorize(Request(id: 0, operation), from: peer)
        }
    }

    /// Why limits or usage may not be read, or nil if they may.
    func refusalToRead(_ operation: Operations) throws(DetailNeeded) -> RlimitError? {
        if snapshot.isBaseline(for: peer) { return nil }
        for rule in policy.denyList.candidates(for: peer)
        where rule.forbids(operation) && rule.caller.match(peer) != .no {
            if try match(rule.target) != .no { return denials.reading(operation, deniedBy: rule.name) }
        }
        var skipped: String?
        for rule in policy.allowList.candidates(for: peer)
        where rule.operations.contains(operation) && rule.covers(peer) {
            guard try match(rule.target) == .yes else { continue }
            if try allowsTargetPrivilege(rule) { return nil }
            skipped = skipped ?? rule.name
        }
        return denials.reading(operation, skippedForPrivilege: skipped)
    }
}

extension Evaluation {
    /// All of them or the first refusal.
    func decide(_ edits: EditBatch, lease: LeaseTerm?) throws(DetailNeeded) -> Result<[AuthorizedEdit], RlimitError> {
        if let refusal = try batchRefusal(edits) { return .failure(refusal) }
        // Most have one, and cost one array of the right size.
        if edits.count == 1 {
            switch try decide(edits[0], at: 0, lease: lease) {
            case .success(let edit): return .success([edit])
            case .failure(let error): return .failure(error)
            }
        }
        var authorized: [AuthorizedEdit] = []
        authorized.reserveCapacity(edits.count)
        for index in 0..<edits.count {
            switch try decide(edits[index], at: index, lease: lease) {
            case .success(let edit): authorized.append(edit)
            case .failure(let error): return .failure(error)
            }
        }
        return .success(authorized)
    }

    /// Why none of these edits can be judged, or nil.
    func batchRefusal(_ edits: EditBatch) throws(DetailNeeded) -> RlimitError? {
        if let reason = try neverChanged() { return denials.neverChanged(reason) }
        return batchError(of: edits)
    }

    /// One edit; that the process may be changed at all was found out before.
    func decide(
        _ edit: NumericEdit, at index: Int, lease: LeaseTerm?
    ) throws(DetailNeeded) -> Result<AuthorizedEdit, RlimitError> {
        let decision = EditDecision(
            edit: edit, now: snapshot.now[edit.resource],
            withoutLeases: (snapshot.withoutLeases ?? snapshot.now)[edit.resource],
            grants: try grants(on: edit.resource, lease: lease), lease: lease,
            systemCeiling: policy.ceiling(of: edit.resource))
        switch decision.decide(self) {
        case .success(let outcome):
            return .success(
                AuthorizedEdit(
                    index: index, resource: edit.resource, old: decision.now, new: outcome.new,
                    rule: outcome.grant?.rule,
                    mayLower: decision.grants.deniedBy == nil && decision.grants.lowerGrant != nil,
                    shortfall: outcome.shortfall, maxLeaseDuration: outcome.grant?.lease?.maxDuration,
                    effectiveCeiling: outcome.grant.map(decision.effectiveCeiling)))
        case .failure(var error):
            error.resource = edit.resource
            error.editIndex = index
            return .failure(error)
        }
    }

    // Two edits of one resource would each be judged against limits that the other changes.
    private func batchError(of edits: EditBatch) -> RlimitError? {
        if edits.isEmpty { return RlimitError(.invalidArgument, message: "no edit was given") }
        var seen = ResourceSet.none
        for index in 0..<edits.count where !seen.insert(edits[index].resource) {
            let resource = edits[index].resource
            return RlimitError(
                .invalidArgument, message: "\(resource) is edited twice", resource: resource, editIndex: index)
        }
        return nil
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
