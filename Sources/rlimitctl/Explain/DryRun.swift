import RlimitClient
import RlimitModel

/// Edits that are to be explained and not made. As when they are made, the kernel's part needs nobody's leave, and the
/// agent is asked for what is left. A pure value.
struct DryRun {
    private let dryRunEdits: [DryRunEdit]
    // By place among the edits: those that the agent is asked for.
    private let agentIndices: [Int]

    /// - Throws: What `set` throws before it changes anything: `.softExceedsHard`, `.conflict`.
    init(_ edits: [Edit], now: Limits, permission: KernelPermission) throws(RlimitError) {
        let dryRunEdits = edits.map { DryRunEdit($0, now: now[$0.resource]) }
        self.dryRunEdits = dryRunEdits
        agentIndices = dryRunEdits.indices.filter { !permission.allows(dryRunEdits[$0]) }
        for (index, dryRunEdit) in dryRunEdits.enumerated() { try Self.check(dryRunEdit, index) }
    }

    /// What the agent is to be asked; empty where the kernel does it all.
    var agentEdits: [Edit] { agentIndices.map { dryRunEdits[$0].raisingEdit } }

    /// The whole answer, from the agent's to its part.
    func result(_ explanation: Explanation = Explanation()) -> Explanation {
        // Refused as a whole: nothing is said of single edits.
        guard explanation.verdicts.count == agentIndices.count else { return explanation }
        var merged = Explanation(
            refusal: explanation.refusal.map(withOriginalIndex), verdicts: dryRunEdits.map(kernelVerdict))
        for (index, verdict) in zip(agentIndices, explanation.verdicts) {
            var verdict = verdict
            verdict.error = verdict.error.map(withOriginalIndex)
            // What the agent does not lower, the kernel does.
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

    // The agent numbers the edits that it was asked for.
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
    /// What would come of edits: the kernel's part worked out here, the agent's asked of it.
    func performDryRun(_ edits: [Edit], on selected: borrowing SelectedProcess) throws(RlimitError) -> Explanation {
        guard strategy == .kernelFirst else { return try explain(edits, on: selected.target) }
        let dryRun = try DryRun(edits, now: try limits(of: selected.target), permission: selected.kernelPermission)
        guard !dryRun.agentEdits.isEmpty else { return dryRun.result() }
        return dryRun.result(try explain(dryRun.agentEdits, on: selected.target))
    }
}
