import RlimitModel

@testable import RlimitClient

extension EditPlan {
    /// Makes the batch as a client does that waits for its agent; `ask` is called at most once.
    func carryOut<Table: LimitTable>(
        on table: Table, asking ask: (EditBatch) throws(RlimitError) -> [Change]
    ) throws(RlimitError) -> [Change] {
        var run = EditRun(self)
        guard case .needsAgent(let refusal) = try run.askKernel(table) else { return run.result }
        let granted: [Change]
        do throws(RlimitError) {
            granted = try ask(run.plan.agentPart)
        } catch {
            return try run.finish(after: error, refusal, on: table)
        }
        return try run.finish(with: granted, on: table)
    }
}
