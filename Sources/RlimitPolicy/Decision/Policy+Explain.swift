package import RlimitModel

// What would come of a request, and the most that one may have. The same judges as for the deed.

extension Policy {
    /// What `authorize` would say, for each edit or resource. Of a `get`: the most that the caller may give the target.
    package func explain<E: Error>(
        _ request: Request, from peer: Peer, on snapshot: TargetSnapshot,
        detail: (ProcessDetail.Parts) throws(E) -> ProcessDetail
    ) throws(E) -> Explanation {
        if peer.hasMixedIDs { return Explanation(refusal: DenialMessages.mixedIDs) }
        let failed = Explanation(refusal: RlimitError(.internalError))
        return try withEvaluation(peer, snapshot, detail, otherwise: failed) { evaluation throws(DetailNeeded) in
            try evaluation.explain(request.operation)
        }
    }

    /// The same where all that can be known of the process is at hand.
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

    /// The most that the caller may give the target, and by which rule.
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

extension ResourceGrants {
    /// The rule without which the most would be less; nil where none is needed.
    func ruleGranting(_ maxHard: Limit.Bound, from now: Limit) -> String? {
        maxHard > now.hard || !isBaseline ? raiseGrant?.rule : nil
    }
}

extension Result<AuthorizedRequest, RlimitError> {
    /// Of a request that has no parts.
    fileprivate var explanation: Explanation {
        switch self {
        case .success: Explanation()
        case .failure(let refusal): Explanation(refusal: refusal)
        }
    }
}
