import RlimitClient
import RlimitModel

/// Edits to explain without making them. As when they are made, the agent is asked only for the edits that the kernel
/// does not permit. A pure value.
struct DryRun {
    private let dryRunEdits: [DryRunEdit]
    // Indices of the edits that the agent is asked for.
    private let agentIndices: [Int]

    /// - Throws: The errors that `set` throws before it changes anything: `.softExceedsHard`, `.conflict`.
    init(_ edits: [Edit], now: Limits, permission: KernelPermission) throws(RlimitError) {
        let dryRunEdits = edits.map { DryRunEdit($0, now: now[$0.resource]) }
        self.dryRunEdits = dryRunEdits
        agentIndices = dryRunEdits.indices.filter { !permission.allows(dryRunEdits[$0]) }
        for (index, dryRunEdit) in dryRunEdits.enumerated() { try Self.check(dryRunEdit, index) }
    }

    /// The edits to ask the agent for; empty if the kernel permits all.
    var agentEdits: [Edit] { agentIndices.map { dryRunEdits[$0].raisingEdit } }

    /// Merges the agent's explanation of `agentEdits` into the explanation of all edits.
    func result(_ explanation: Explanation = Explanation()) -> Explanation {
        // The agent refused the request as a whole, without verdicts on edits.
        guard explanation.verdicts.count == agentIndices.count else { return explanation }
        var merged = Explanation(
            refusal: explanation.refusal.map(withOriginalIndex), verdicts: dryRunEdits.map(kernelVerdict))
        for (index, verdict) in zip(agentIndices, explanation.verdicts) {
            var verdict = verdict
            verdict.error = verdict.error.map(withOriginalIndex)
            // `raisingEdit` left the lowering to the kernel.
            if let new = verdict.new, dryRunEdits[index].lowers { verdict.new = lowered(new, dryRunEdits[index]) }
            merged.verdicts[index] = verdict
        }
        return merged
    }

    private func kernelVerdict(_ dryRunEdit: DryRunEdit) -> Explanation.Verdict {
        Explanation.Verdict(
            dryRunEdit.resource, now: dryRunEdit.now, most: Limit(max(dryRunEdit.now.hard, dryRunEdit.requested.hard)),
            new: dryRunEdit.requested)
    }

    private func lowered(_ new: Limit, _ dryRunEdit: DryRunEdit) -> Limit {
        Limit(soft: min(new.soft, dryRunEdit.requested.soft), hard: min(new.hard, dryRunEdit.requested.hard))
    }

    // The agent counts only the edits that it was asked for.
    private func withOriginalIndex(_ error: RlimitError) -> RlimitError {
        guard let index = error.editIndex, agentIndices.indices.contains(index) else { return error }
        var error = error
        error.editIndex = agentIndices[index]
        return error
    }

    private static func check(_ dryRunEdit: DryRunEdit, _ index: Int) throws(RlimitError) {
        let (resource, requested) = (dryRunEdit.resource, dryRunEdit.requested)
        if let expected = dryRunEdit.edit.expecting, expected != dryRunEdit.now {
            throw RlimitError(
                .conflict, message: "\(resource) is \(dryRunEdit.now) and not \(expected) as expected",
                resource: resource,
                editIndex: index)
        }
        guard requested.soft <= requested.hard || dryRunEdit.edit.mode == .clamp else {
            throw RlimitError(
                .softExceedsHard, message: "\(resource): soft \(requested.soft) is above hard \(requested.hard)",
                resource: resource, editIndex: index)
        }
    }
}

extension BlockingLimitClient {
    /// Explains edits without making them. Predicts what the kernel permits, and asks the agent about the other edits.
    func performDryRun(_ edits: [Edit], on selected: borrowing SelectedProcess) throws(RlimitError) -> Explanation {
        guard strategy == .kernelFirst else { return try explain(edits, on: selected.target) }
        let dryRun = try DryRun(edits, now: try limits(of: selected.target), permission: selected.kernelPermission)
        guard !dryRun.agentEdits.isEmpty else { return dryRun.result() }
        return dryRun.result(try explain(dryRun.agentEdits, on: selected.target))
    }
}
