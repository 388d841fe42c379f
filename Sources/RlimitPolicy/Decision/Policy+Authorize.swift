package import RlimitModel

// The decision. Its steps, in order: never changed, baseline, deny, allow, refuse.

extension Policy {
    /// Decides on a request about a process.
    ///
    /// - Parameters:
    ///   - known: The detail of the target that is known already. The decision restarts with each part that `detail`
    ///   adds.
    ///   - detail: Reads detail of the target. Called at most once for each part, and only if a rule or a refusal
    ///   depends on it: never for reads that the baseline allows.
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
                // A part that one call did not deliver will not come from the next.
                let found = try detail(part)
                guard found.parts.isSuperset(of: part) else { return .failure(RlimitError(.internalError)) }
                known.merge(found)
            }
        }
    }

    /// The decision on a request with the detail of the target that is known.
    @usableFromInline
    package func evaluate(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot, knowing detail: ProcessDetail
    ) -> Evaluation.Outcome {
        if peer.hasMixedIDs { return .decided(.failure(DenialMessages.mixedIDs(peer))) }
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

    /// Decides on a request that concerns no process.
    package func authorize(_ request: Request, from peer: Peer) -> Result<AuthorizedRequest, RlimitError> {
        if case .serverInfo = request.operation { return .success(AuthorizedRequest(.serverInfo)) }
        if peer.hasMixedIDs { return .failure(DenialMessages.mixedIDs(peer)) }
        switch request.operation {
        case .stats:
            return permission(for: .stats, named: "stats", peer).map { AuthorizedRequest(.stats) }
        case .leaseList:
            // A caller may always list its own leases.
            let everyone = (try? permission(for: .leaseList, named: "lease_list", peer).get()) != nil
            return .success(AuthorizedRequest(.leaseList(ofEveryone: everyone)))
        case .leaseRenew: return .success(AuthorizedRequest(.leaseRenew))
        case .leaseRelease: return .success(AuthorizedRequest(.leaseRelease))
        case .get, .set, .prlimit, .usage, .threadUsage, .serverInfo:
            return .failure(
                RlimitError(.internalError, message: "a request about a process reached the policy without its process")
            )
        }
    }

    /// Decides with a function that reads all detail of the target at once.
    package func authorize<E: Error>(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot, detail: () throws(E) -> ProcessDetail
    ) throws(E) -> Result<AuthorizedRequest, RlimitError> {
        try authorize(request, from: peer, on: snapshot) { (_: ProcessDetail.Parts) throws(E) in try detail() }
    }

    /// Runs an evaluation, and runs it again with each part of the detail that it needs.
    func withEvaluation<Answer, E: Error>(
        _ peer: Peer, _ snapshot: TargetSnapshot, _ detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail,
        otherwise: Answer, _ ask: (Evaluation) throws(DetailNeeded) -> Answer
    ) throws(E) -> Answer {
        var evaluation = Evaluation(policy: self, peer: peer, snapshot: snapshot, detail: nil)
        while true {
            let needed: DetailNeeded
            do throws(DetailNeeded) { return try ask(evaluation) } catch { needed = error }
            var known = evaluation.detail ?? .none
            // A part that one call did not deliver will not come from the next.
            let found = try detail(needed.part)
            guard found.parts.isSuperset(of: needed.part) else { return otherwise }
            known.merge(found)
            evaluation.detail = known
        }
    }

    /// Whether a caller may read the limits of a target that it named, or of itself, without any rule: prlimit(2) would
    /// allow the same. Looks nothing up.
    package static func baselineAllowsRead(_ identity: ProcessCredentials, _ peer: Peer) -> Bool {
        !peer.hasMixedIDs && identity.credentials.are(uid: peer.uid, gid: peer.gid)
    }

    // A read that prlimit(2) would allow the caller itself. Looks nothing up and allocates nothing.
    static func baselineRead(_ operation: Request.Operation, _ peer: Peer, _ snapshot: TargetSnapshot)
        -> AuthorizedOperation?
    {
        guard snapshot.isBaseline(for: peer) else { return nil }
        return .reading(operation)
    }

    // Operations for administrators require a rule that names them and a caller in the agent's PID namespace.
    private func permission(for operation: Operations, named name: String, _ peer: Peer) -> Result<Void, RlimitError> {
        if let deny = denyCandidates(for: peer).first(where: {
            $0.forbids(operation) && $0.caller.match(peer, subordinates) != .no
        }) {
            return .failure(DenialMessages.denied(operation: name, peer, by: deny, self))
        }
        let granted =
            peer.sharesNamespace
            && allowList.candidates(for: peer).contains {
                $0.operations.contains(operation) && $0.covers(peer, subordinates)
            }
        return granted ? .success(()) : .failure(DenialMessages.noRule(for: name, peer))
    }
}
