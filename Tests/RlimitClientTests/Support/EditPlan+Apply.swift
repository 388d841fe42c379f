import RlimitModel

@testable import RlimitClient

extension EditPlan {
    /// Makes the batch as a client does. Calls `ask` at most once.
    func apply<Store: LimitStore>(
        on store: Store, asking ask: (EditBatch) throws(RlimitError) -> [Change]
    ) throws(RlimitError) -> [Change] {
        var transaction = EditTransaction(self)
        guard case .needsAgent(let refusal) = try transaction.applyInKernel(store) else { return transaction.result }
        let granted: [Change]
        do throws(RlimitError) {
            granted = try ask(transaction.plan.agentPart)
        } catch {
            return try transaction.finish(after: error, refusal, on: store)
        }
        return try transaction.finish(with: granted, on: store)
    }
}
