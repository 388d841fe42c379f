import RlimitModel

extension EditTransaction {
    /// The agent was asked for `EditPlan.agentPart`, after the kernel's refusal, and did not do it. Makes what can be made
    /// without it, where it surely changed nothing.
    mutating func finish<Store: LimitStore & ~Copyable>(
        after error: RlimitError, _ refusal: RlimitError, on store: borrowing Store
    ) throws(RlimitError) -> [Change] {
        let reason = withKernelReason(error, refusal)
        guard error.changedNothing else { throw reason }
        return try finish(without: reason, on: store)
    }

    // The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
    private func withKernelReason(_ error: RlimitError, _ refusal: RlimitError) -> RlimitError {
        let raisingItems = plan.raisingItems
        var error = error
        if let index = error.editIndex {
            error.editIndex = raisingItems.indices.contains(index) ? raisingItems[index].index : nil
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
    var changedNothing: Bool {
        switch code {
        case .agentUnreachable, .untrustedSocket, .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: true
        case .unsupported, .rateLimited, .quotaExceeded, .pidfdRequired: true
        default: false
        }
    }
}
