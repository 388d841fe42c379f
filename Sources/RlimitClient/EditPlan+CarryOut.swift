import RlimitModel

extension EditPlan {
    /// Makes the batch: the kernel first, the agent for what it refuses.
    ///
    /// - Parameters:
    ///   - table: The limits of the process, as its own user may change them.
    ///   - ask: Has the agent make these edits, all or none, and returns a change for each in their order. Called at most
    ///     once.
    func carryOut<Table: LimitTable & ~Copyable>(
        on table: borrowing Table, asking ask: (EditBatch) throws(RlimitError) -> [Change]
    ) throws(RlimitError) -> [Change] {
        var run = EditRun(self)
        guard case .needsAgent(let refusal) = try run.askKernel(table) else { return run.result }
        let granted: [Change]
        do throws(RlimitError) {
            granted = try ask(EditBatch(raising.lazy.map(\.agentPart)))
        } catch {
            let reason = explained(error, refusal)
            guard error.leavesAllAsItWas else { throw reason }
            return try run.finish(without: reason, on: table)
        }
        return try run.finish(with: granted, on: table)
    }

    // The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
    private func explained(_ error: RlimitError, _ refusal: RlimitError) -> RlimitError {
        var error = error
        if let place = error.editIndex {
            error.editIndex = raising.indices.contains(place) ? raising[place].index : nil
        }
        if error.code == .agentUnreachable || error.code == .untrustedSocket {
            error.message = "\(refusal.message), and \(error.message)"
            error.resource = refusal.resource
            error.editIndex = refusal.editIndex
        }
        return error
    }
}

extension RlimitError {
    /// Whether the agent, by saying this, or by not being there, has surely changed nothing and is no help either.
    var leavesAllAsItWas: Bool {
        switch code {
        case .agentUnreachable, .untrustedSocket, .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: true
        case .unsupported, .rateLimited, .quotaExceeded, .pidfdRequired: true
        default: false
        }
    }
}
