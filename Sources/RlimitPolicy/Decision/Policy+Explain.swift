package import RlimitModel

extension Policy {
    /// The decision that `authorize` would make, for each edit or resource. For a `get`: the maximum to which the
    /// caller may raise each limit of the target.
    package func explain<E: Error>(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot,
        detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail
    ) throws(E) -> Explanation {
        if peer.hasMixedIDs { return Explanation(refusal: DenialMessages.mixedIDs(peer)) }
        let failed = Explanation(refusal: RlimitError(.internalError))
        return try withEvaluation(peer, snapshot, detail, otherwise: failed) { evaluation throws(DetailNeeded) in
            try evaluation.explain(request.operation)
        }
    }

    /// Explains with a function that reads all detail of the target at once.
    package func explain<E: Error>(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot, detail: () throws(E) -> ProcessDetail
    ) throws(E) -> Explanation {
        try explain(request, from: peer, on: snapshot) { (_: ProcessDetail.Parts) throws(E) in try detail() }
    }
}

extension Evaluation {
    func explain(_ operation: Request.Operation) throws(DetailNeeded) -> Explanation {
        switch operation {
        case .get(_, let resources):
            return try explain(resources)
        case .prlimit(_, let resource, nil):
            return try explain(ResourceSet(only: resource))
        case .prlimit(_, let resource, let new?):
            return try explain(EditBatch(NumericEdit(resource, soft: new.soft, hard: new.hard)), nil)
        case .set(_, let edits, let lease):
            return try explain(edits, lease)
        case .usage, .threadUsage, .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats:
            return try authorize(operation).explanation
        }
    }

    private func explain(_ resources: ResourceSet) throws(DetailNeeded) -> Explanation {
        let refusal = try refusalToRead(.get)
        let fixed = try neverChanged().map(denials.neverChanged)
        var verdicts: [Explanation.Verdict] = []
        for resource in resources {
            verdicts.append(try maxAllowed(resource, isReadable: refusal == nil, neverChanged: fixed))
        }
        return Explanation(refusal: refusal, verdicts: verdicts)
    }

    /// The maximum that the caller may give the target, and the rule that grants it.
    private func maxAllowed(
        _ resource: Resource, isReadable: Bool, neverChanged: RlimitError?
    ) throws(DetailNeeded) -> Explanation.Verdict {
        let now = snapshot.now[resource]
        var verdict = Explanation.Verdict(
            resource, now: isReadable && !snapshot.isHypothetical ? now : nil, error: neverChanged)
        guard neverChanged == nil else { return verdict }
        let grants = try grants(on: resource, lease: nil)
        guard let maxHard = grants.maxHard(from: now, systemCeiling: policy.ceiling(of: resource)) else {
            verdict.error = denials.noGrant(grants, resource)
            return verdict
        }
        verdict.most = snapshot.isHypothetical && maxHard == now.hard ? nil : Limit(maxHard)
        verdict.rule = grants.ruleGranting(maxHard, from: now)
        verdict.error = denials.moreByLease(resource, grants, maxHard: maxHard)
        return verdict
    }

    private func explain(_ edits: EditBatch, _ lease: LeaseTerm?) throws(DetailNeeded) -> Explanation {
        if let refusal = try batchRefusal(edits) { return Explanation(refusal: refusal) }
        let isReadable = try refusalToRead(.get) == nil
        var explanation = Explanation()
        for (index, edit) in edits.enumerated() {
            var verdict = try maxAllowed(edit.resource, isReadable: isReadable, neverChanged: nil)
            switch try decide(edit, at: index, lease: lease) {
            case .success(let granted):
                verdict.new = granted.new
                verdict.rule = granted.rule
                verdict.error = granted.shortfall
            case .failure(let refusal):
                verdict.error = refusal
                explanation.refusal = explanation.refusal ?? refusal
            }
            explanation.verdicts.append(verdict)
        }
        return explanation
    }
}

extension Result<AuthorizedRequest, RlimitError> {
    /// The explanation of a request without edits or resources.
    fileprivate var explanation: Explanation {
        switch self {
        case .success: Explanation()
        case .failure(let refusal): Explanation(refusal: refusal)
        }
    }
}
