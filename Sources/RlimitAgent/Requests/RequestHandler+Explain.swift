import RlimitModel
import RlimitPolicy

extension RequestHandler {
    /// Explains what the agent would decide. Nothing changes.
    func explain(
        _ request: Request, from peer: Peer, on process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot, _ requester: LeaseRequester?
    ) throws(RlimitError) -> Explanation {
        var explanation = try policy.explain(request, from: peer, on: snapshot) {
            (parts: ProcessDetail.Parts) throws(RlimitError) in
            try process.detail(parts)
        }
        guard request.operation.isChange, explanation.refusal == nil else { return explanation }
        if request.operation.isLease, let requester {
            explanation.refusal = try leases.capacityError(for: requester, process, quota: policy.quota.leases)
        }
        if explanation.refusal == nil, !audit.acceptsChange { explanation.refusal = .auditNotTaken }
        return explanation
    }
}
