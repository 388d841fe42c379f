import RlimitModel

extension EditRun {
    /// The agent was asked for `EditPlan.agentPart`, after the kernel's refusal, and did not do it. Makes what can be made
    /// without it, where it surely changed nothing.
    mutating func finish<Table: LimitTable & ~Copyable>(
        after error: RlimitError, _ refusal: RlimitError, on table: borrowing Table
    ) throws(RlimitError) -> [Change] {
        let reason = explained(error, refusal)
        guard error.leavesAllAsItWas else { throw reason }
        return try finish(without: reason, on: table)
    }

    // The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
    private func explained(_ error: RlimitError, _ refusal: RlimitError) -> RlimitError {
        let raising = plan.raising
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
