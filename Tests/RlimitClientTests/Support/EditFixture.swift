import RlimitModel

@testable import RlimitClient

/// A process with the limits 1024:4096, and models of the kernel and of the agent.
struct EditFixture {
    let kernel: KernelModel
    let agent: AgentModel

    init(ceilings: [Resource: Limit.Bound] = [:], privileged: Bool = false) {
        kernel = KernelModel(Limits(repeating: Limit(soft: 1024, hard: 4096)))
        kernel.isPrivileged = privileged
        agent = AgentModel(kernel, ceilings: ceilings)
    }

    func make(_ edits: NumericEdit...) throws(RlimitError) -> [Change] {
        try EditPlan(edits, now: kernel.limits).apply(on: kernel, asking: agent.make)
    }

    func error(_ edits: NumericEdit...) -> RlimitError? {
        do throws(RlimitError) {
            _ = try EditPlan(edits, now: kernel.limits).apply(on: kernel, asking: agent.make)
            return nil
        } catch {
            return error
        }
    }

    static let untouched = Limits(repeating: Limit(soft: 1024, hard: 4096))
    static let noAgent = RlimitError(.agentUnreachable, message: "no agent answers")
}
