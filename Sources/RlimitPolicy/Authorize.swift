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
        _ request: Request, from peer: Peer, on subject: Subject, knowing known: ProcessDetail = .none,
        detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail
    ) throws(E) -> Result<AuthorizedRequest, RlimitError> {
        var known = known
        while true {
            switch judgement(of: request, from: peer, on: subject, knowing: known) {
            case .made(let verdict): return verdict
            case .needs(let part):
                // What was asked for once and did not come does not come.
                let found = try detail(part)
                guard found.parts.isSuperset(of: part) else { return .failure(RlimitError(.internalError)) }
                known.take(found)
            }
        }
    }

    /// What is to be said of a request by whoever knows so much of the process.
    @usableFromInline
    package func judgement(
        of request: Request, from peer: Peer, on subject: Subject, knowing detail: ProcessDetail
    ) -> Judgement {
        if peer.hasMixedIDs { return .made(.failure(Refusals.mixedIDs)) }
        if let deed = Policy.baselineRead(request.operation, peer, subject) {
            return .made(.success(AuthorizedRequest(deed)))
        }
        let judge = Judge(policy: self, peer: peer, subject: subject, detail: detail)
        do throws(DetailNeeded) {
            return .made(try judge.authorize(request.operation))
        } catch {
            return .needs(error.part)
        }
    }

    /// Whether a request that is about no process is granted.
    package func authorize(_ request: Request, from peer: Peer) -> Result<AuthorizedRequest, RlimitError> {
        if case .serverInfo = request.operation { return .success(AuthorizedRequest(.serverInfo)) }
        if peer.hasMixedIDs { return .failure(Refusals.mixedIDs) }
        switch request.operation {
        case .stats:
            return leave(for: .stats, named: "stats", peer).map { AuthorizedRequest(.stats) }
        case .leaseList:
            // One's own need nobody's leave.
            let everyone = (try? leave(for: .leaseList, named: "lease_list", peer).get()) != nil
            return .success(AuthorizedRequest(.leaseList(ofEveryone: everyone)))
        case .leaseRenew: return .success(AuthorizedRequest(.leaseRenew))
        case .leaseRelease: return .success(AuthorizedRequest(.leaseRelease))
        case .get, .set, .prlimit, .usage, .threadUsage, .serverInfo:
            return .failure(RlimitError(.internalError, message: "a request about a process was judged without one"))
        }
    }

    /// The same where all that can be known of the process is at hand.
    package func authorize<E: Error>(
        _ request: Request, from peer: Peer, on subject: Subject, detail: () throws(E) -> ProcessDetail
    ) throws(E) -> Result<AuthorizedRequest, RlimitError> {
        try authorize(request, from: peer, on: subject) { (_: ProcessDetail.Parts) throws(E) in try detail() }
    }

    /// Asks a judge, and again with the part of the detail that it says it needs.
    func judged<Answer, E: Error>(
        _ peer: Peer, _ subject: Subject, _ detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail,
        otherwise: Answer, _ ask: (Judge) throws(DetailNeeded) -> Answer
    ) throws(E) -> Answer {
        var judge = Judge(policy: self, peer: peer, subject: subject, detail: nil)
        while true {
            let needed: DetailNeeded
            do throws(DetailNeeded) { return try ask(judge) } catch { needed = error }
            var known = judge.detail ?? .none
            // What was asked for once and did not come does not come.
            let found = try detail(needed.part)
            guard found.parts.isSuperset(of: needed.part) else { return otherwise }
            known.take(found)
            judge.detail = known
        }
    }

    /// Whether a caller may read the limits of a process that it named or is, whatever the rules: prlimit(2) would let it.
    /// Nothing is looked up.
    package static func baselineLetsRead(_ identity: Identity, _ peer: Peer) -> Bool {
        !peer.hasMixedIDs && identity.credentials.are(uid: peer.uid, gid: peer.gid)
    }

    // Reading what prlimit(2) would let that very caller read: nothing is looked up and nothing allocated.
    static func baselineRead(_ operation: Request.Operation, _ peer: Peer, _ subject: Subject) -> Deed? {
        guard subject.isBaseline(for: peer) else { return nil }
        return read(operation)
    }

    /// The deed that an operation asks for if it only reads.
    static func read(_ operation: Request.Operation) -> Deed? {
        switch operation {
        case .get(_, let resources): .read(resources)
        case .prlimit(_, let resource, nil): .read(ResourceSet(only: resource))
        case .usage(_, let scope): .usage(scope)
        case .threadUsage(_, let thread): .threadUsage(thread)
        default: nil
        }
    }

    // Administrators' operations: only by a rule that names them, and only to callers beside the agent.
    private func leave(for operation: Operations, named name: String, _ peer: Peer) -> Result<Void, RlimitError> {
        if let deny = denyList.candidates(for: peer).first(where: {
            $0.forbids(operation) && $0.caller.fit(peer) != .no
        }) {
            return .failure(Refusals.denied(operation: name, peer, by: deny.name))
        }
        let granted =
            peer.sharesNamespace
            && allowList.candidates(for: peer).contains { $0.operations.contains(operation) && $0.covers(peer) }
        return granted ? .success(()) : .failure(Refusals.noRule(for: name, peer))
    }
}

extension Judge {
    func authorize(_ operation: Request.Operation) throws(DetailNeeded) -> Result<AuthorizedRequest, RlimitError> {
        switch operation {
        case .set(_, let edits, let lease):
            return try judge(edits, lease: lease).map { AuthorizedRequest(.change($0)) }
        case .prlimit(_, let resource, let new?):
            let edit = NumericEdit(resource, soft: new.soft, hard: new.hard)
            return try judge(EditBatch(edit), lease: nil).map { AuthorizedRequest(.change($0)) }
        case .get, .prlimit, .usage, .threadUsage:
            guard let deed = Policy.read(operation) else { return .failure(RlimitError(.internalError)) }
            if let refusal = try refusalToRead(operation.kind) { return .failure(refusal) }
            return .success(AuthorizedRequest(deed))
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats:
            return policy.authorize(Request(id: 0, operation), from: peer)
        }
    }

    /// Why limits or usage may not be read, or nil if they may.
    func refusalToRead(_ operation: Operations) throws(DetailNeeded) -> RlimitError? {
        if subject.isBaseline(for: peer) { return nil }
        for rule in policy.denyList.candidates(for: peer) where rule.forbids(operation) && rule.caller.fit(peer) != .no
        {
            if try fit(rule.target) != .no { return refusals.reading(operation, deniedBy: rule.name) }
        }
        var silent: String?
        for rule in policy.allowList.candidates(for: peer)
        where rule.operations.contains(operation) && rule.covers(peer) {
            guard try fit(rule.target) == .yes else { continue }
            if try isOpen(rule) { return nil }
            silent = silent ?? rule.name
        }
        return refusals.reading(operation, silentOnPrivileged: silent)
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
