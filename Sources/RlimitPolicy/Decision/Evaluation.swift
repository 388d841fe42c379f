package import RlimitModel

/// The decision on one request: one caller, one target process, and the rules of the policy.
package struct Evaluation {
    let policy: Policy
    let peer: Peer
    let snapshot: TargetSnapshot
    /// nil until the decision depends on it.
    var detail: ProcessDetail?

    var denials: DenialMessages { DenialMessages(policy: policy, peer: peer, snapshot: snapshot) }

    /// The kernel's check of prlimit(2), which does not restrict the agent because of CAP_SYS_RESOURCE.
    var idsMatch: Bool { snapshot.identity.credentials.are(uid: peer.uid, gid: peer.gid) }

    /// The target's detail from /proc. Throws if a part is not known yet; the caller then reads it and decides again.
    func require(_ part: ProcessDetail.Parts) throws(DetailNeeded) -> ProcessDetail {
        guard let detail, detail.parts.isSuperset(of: part) else { throw DetailNeeded(part: part) }
        return detail
    }

    /// The reason why no rule can change this process; nil if rules can.
    func neverChanged() throws(DetailNeeded) -> NeverChanged? {
        if snapshot.isAgent { return .agent }
        if snapshot.identity.pid <= 1 { return .firstProcess }
        let credentials = snapshot.identity.credentials
        if policy.subordinates.match(policy.protection.users, usersOf: credentials) != .no { return .protected }
        if policy.protection.namesCgroups {
            // The cgroup was removed or is not readable: the process may be a protected one.
            guard let path = try cgroupOfTarget(), !policy.protection.covers(cgroup: path) else { return .protected }
        }
        // Kernel threads run as root, and none of them connects to the agent.
        if credentials.includeRoot, !snapshot.isPeer, try require(.kernelThread).isKernelThread { return .kernelThread }
        return nil
    }

    /// Whether the target has more privilege than the caller: a user id of root, or a capability that the caller lacks.
    func targetIsPrivileged() throws(DetailNeeded) -> Bool {
        // A peer has its own privilege, unless it has executed a setuid program since it connected. Then the ids
        // differ.
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

    /// Why the caller may not read limits or usage; nil if it may.
    func refusalToRead(_ operation: Operations) throws(DetailNeeded) -> RlimitError? {
        if snapshot.isBaseline(for: peer) { return nil }
        for rule in policy.denyCandidates(for: peer)
        where rule.forbids(operation) && rule.caller.match(peer, policy.subordinates) != .no {
            if try match(rule.target) != .no { return denials.reading(operation, deniedBy: rule.name) }
        }
        var skipped: String?
        for rule in policy.allowList.candidates(for: peer)
        where rule.operations.contains(operation) && rule.covers(peer, policy.subordinates) {
            guard try match(rule.target) == .yes else { continue }
            if try allowsTargetPrivilege(rule) { return nil }
            skipped = skipped ?? rule.name
        }
        return denials.reading(operation, skippedForPrivilege: skipped)
    }
}

extension Evaluation {
    /// The decision on all edits, or the first refusal.
    func decide(_ edits: EditBatch, lease: LeaseTerm?) throws(DetailNeeded) -> Result<[AuthorizedEdit], RlimitError> {
        if let refusal = try batchRefusal(edits) { return .failure(refusal) }
        // Most batches have one edit, which costs one array of the right size.
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

    /// Why the whole batch is refused; nil if each edit must be decided.
    func batchRefusal(_ edits: EditBatch) throws(DetailNeeded) -> RlimitError? {
        if let reason = try neverChanged() { return denials.neverChanged(reason) }
        return batchError(of: edits)
    }

    /// The decision on one edit. `batchRefusal` comes first.
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

    private func batchError(of edits: EditBatch) -> RlimitError? {
        if edits.isEmpty { return .noEdits }
        var seen = ResourceSet.none
        for index in 0..<edits.count where !seen.insert(edits[index].resource) {
            return .repeatedEdit(of: edits[index].resource, at: index)
        }
        return nil
    }
}

/// Thrown if a decision depends on detail of the target that is not known yet.
struct DetailNeeded: Error {
    let part: ProcessDetail.Parts
}

/// Why no rule can change a process.
enum NeverChanged {
    case agent, firstProcess, kernelThread, protected
}

/// The target of a request, as read from the kernel just before the decision.
package struct TargetSnapshot: Sendable {
    package var identity: ProcessCredentials
    /// The target is the process that connected.
    package var isPeer: Bool
    /// The target is the agent.
    package var isAgent: Bool
    /// The target was found by a scan of a cgroup. A caller in a container may be unable to see it; prlimit(2) would
    /// then refuse that caller, whatever the ids.
    package var isFromCgroupScan: Bool
    /// Valid only for the resources of the request.
    package var now: Limits
    /// The limits as they would be without leases; nil if no limit is leased.
    package var withoutLeases: Limits?
    /// The target does not exist: `now` is the assumed starting point and must not be reported.
    package var isHypothetical: Bool

    package init(
        identity: ProcessCredentials, isPeer: Bool, isAgent: Bool = false, isFromCgroupScan: Bool = false, now: Limits,
        isHypothetical: Bool = false
    ) {
        self.identity = identity
        self.isPeer = isPeer
        self.isAgent = isAgent
        self.isFromCgroupScan = isFromCgroupScan
        self.now = now
        self.isHypothetical = isHypothetical
    }

    /// Whether the baseline applies: the caller's ids are the target's and it can name the target, so prlimit(2) would
    /// allow the same without the agent.
    func isBaseline(for peer: Peer) -> Bool {
        identity.credentials.are(uid: peer.uid, gid: peer.gid) && (isPeer || !isFromCgroupScan || peer.sharesNamespace)
    }
}
