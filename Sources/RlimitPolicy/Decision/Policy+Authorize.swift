package import RlimitModel

// The one decision, in its order: never changed, baseline, deny, allow, refuse.

extension Policy {
    /// Whether a request about a process is granted, and what it comes to.
    ///
    /// - Parameters:
    ///   - known: What is known of the process anyway: whatever depends on more is judged anew once that is known.
    ///   - detail: Asked at most once for each part, and only where a rule or a refusal depends on it: never for what the
    ///     baseline lets one read.
    @inlinable
    package func authorize<E: Error>(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot, knowing known: ProcessDetail = .none,
        detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail
    ) throws(E) -> Result<AuthorizedRequest, RlimitError> {
        var known = known
        while true {
            switch evaluate(request, from: peer, on: snapshot, knowing: known) {
            case .decided(let verdict): return verdict
            case .needsDetail(let part):
                // What was asked for once and did not come does not come.
                let found = try detail(part)
                guard found.parts.isSuperset(of: part) else { return .failure(RlimitError(.internalError)) }
                known.merge(found)
            }
        }
    }

    /// What is to be said of a request by whoever knows so much of the process.
    @usableFromInline
    package func evaluate(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot, knowing detail: ProcessDetail
    ) -> EvaluationOutcome {
        if peer.hasMixedIDs { return .decided(.failure(DenialMessages.mixedIDs)) }
        if let authorizedOperation = Policy.baselineRead(request.operation, peer, snapshot) {
            return .decided(.success(AuthorizedRequest(authorizedOperation)))
        }
        let evaluation = Evaluation(policy: self, peer: peer, snapshot: snapshot, detail: detail)
        do throws(DetailNeeded) {
            return .decided(try evaluation.authorize(request.operation))
        } catch {
            return .needsDetail(error.part)
        }
    }

    /// Whether a request that is about no process is granted.
    package func authorize(_ request: Request, from peer: Peer) -> Result<AuthorizedRequest, RlimitError> {
        if case .serverInfo = request.operation { return .success(AuthorizedRequest(.serverInfo)) }
        if peer.hasMixedIDs { return .failure(DenialMessages.mixedIDs) }
        switch request.operation {
        case .stats:
            return permission(for: .stats, named: "stats", peer).map { AuthorizedRequest(.stats) }
        case .leaseList:
            // One's own need nobody's leave.
            let everyone = (try? permission(for: .leaseList, named: "lease_list", peer).get()) != nil
            return .success(AuthorizedRequest(.leaseList(ofEveryone: everyone)))
        case .leaseRenew: return .success(AuthorizedRequest(.leaseRenew))
        case .leaseRelease: return .success(AuthorizedRequest(.leaseRelease))
        case .get, .set, .prlimit, .usage, .threadUsage, .serverInfo:
            return .failure(RlimitError(.internalError, message: "a request about a process was judged without one"))
        }
    }

    /// The same where all that can be known of the process is at hand.
    package func authorize<E: Error>(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot, detail: () throws(E) -> ProcessDetail
    ) throws(E) -> Result<AuthorizedRequest, RlimitError> {
        try authorize(request, from: peer, on: snapshot) { (_: ProcessDetail.Parts) throws(E) in try detail() }
    }

    /// Asks a judge, and again with the part of the detail that it says it needs.
    func withEvaluation<Answer, E: Error>(
        _ peer: Peer, _ snapshot: TargetSnapshot, _ detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail,
        otherwise: Answer, _ ask: (Evaluation) throws(DetailNeeded) -> Answer
    ) throws(E) -> Answer {
        var evaluation = Evaluation(policy: self, peer: peer, snapshot: snapshot, detail: nil)
        while true {
            let needed: DetailNeeded
            do throws(DetailNeeded) { return try ask(evaluation) } catch { needed = error }
            var known = evaluation.detail ?? .none
            // What was asked for once and did not come does not come.
            let found = try detail(needed.part)
            guard found.parts.isSuperset(of: needed.part) else { return otherwise }
            known.merge(found)
            evaluation.detail = known
        }
    }

    /// Whether a caller may read the limits of a process that it named or is, whatever the rules: prlimit(2) would let it.
    /// Nothing is looked up.
    package static func baselineAllowsRead(_ identity: ProcessCredentials, _ peer: Peer) -> Bool {
        !peer.hasMixedIDs && identity.credentials.are(uid: peer.uid, gid: peer.gid)
    }

    // Reading what prlimit(2) would let that very caller read: nothing is looked up and nothing allocated.
    static func baselineRead(_ operation: Request.Operation, _ peer: Peer, _ snapshot: TargetSnapshot)
        -> AuthorizedOperation?
    {
        guard snapshot.isBaseline(for: peer) else { return nil }
        return read(operation)
    }

    /// The deed that an operation asks for if it only reads.
    static func read(_ operation: Request.Operation) -> AuthorizedOperation? {
        switch operation {
        case .get(_, let resources): .read(resources)
        case .prlimit(_, let resource, nil): .read(ResourceSet(only: resource))
        case .usage(_, let scope): .usage(scope)
        case .threadUsage(_, let thread): .threadUsage(thread)
        default: nil
        }
    }

    // Administrators' operations: only by a rule that names them, and only to callers beside the agent.
    private func permission(for operation: Operations, named name: String, _ peer: Peer) -> Result<Void, RlimitError> {
        if let deny = denyList.candidates(for: peer).first(where: {
            $0.forbids(operation) && $0.caller.match(peer) != .no
        }) {
            return .failure(DenialMessages.denied(operation: name, peer, by: deny.name))
        }
        let granted =
            peer.sharesNamespace
            && allowList.candidates(for: peer).contains { $0.operations.contains(operation) && $0.covers(peer) }
        return granted ? .success(()) : .failure(DenialMessages.noRule(for: name, peer))
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
            guard let authorizedOperation = Policy.read(operation) else { return .failure(RlimitError(.internalError)) }
            if let refusal = try refusalToRead(operation.kind) { return .failure(refusal) }
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

extension Request.Operation {
    /// Which operation of a rule it is, of those that read.
    var kind: Operations {
        switch self {
        case .usage, .threadUsage: .usage
        default: .get
        }
    }
}
