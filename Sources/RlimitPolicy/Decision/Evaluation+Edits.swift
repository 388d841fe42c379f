import RlimitModel

// Whether an edit is granted, and what it comes to in numbers.

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

extension Policy {
    /// The greatest hard limit that the kernel takes for a resource.
    func ceiling(of resource: Resource) -> Limit.Bound {
        resource == .openFiles ? openFilesCeiling : .infinity
    }
}
