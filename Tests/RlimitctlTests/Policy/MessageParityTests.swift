import PolicySamples
import RlimitModel
import RlimitPolicy
import Testing

@testable import rlimitctl

@Suite("explain --as-user and the agent")
struct MessageParityTests {
    // A caller outside of containers without a known cgroup, as the agent sees it.
    private func peer(_ user: PolicyUser) -> Peer {
        Peer(pid: 500, uid: user.uid, gid: user.gid, groups: user.groups, namespaceDepth: 1)
    }

    private func agentText(
        _ policy: Policy, _ operation: Request.Operation, _ user: PolicyUser, _ snapshot: TargetSnapshot
    )
        -> ExplanationText
    {
        let request = Request(id: 3, isExplain: true, operation)
        let explanation = policy.explain(request, from: peer(user), on: snapshot) { Self.detail }
        return ExplanationText(explanation: explanation, process: label)
    }

    private let label = ProcessLabel(pid: 700, command: "p")
    private static let detail = ProcessDetail(isKernelThread: false, capabilities: 0, cgroup: "/x", ancestors: [1])

    @Test("print the same text about a running process", arguments: 0..<3)
    func sameText(seed: Int) throws {
        var samples = RandomPolicies(seed: UInt64(seed) * 977 + 11)
        var (granted, refused) = (0, 0)
        for round in 0..<1500 {
            let (allows, denies) = samples.rules()
            let policy = Policy(allows: allows, denies: denies, protection: samples.protection())
            let user = PolicyUser(
                name: "u", uid: samples.pick(RandomPolicies.users), gid: samples.pick(RandomPolicies.users),
                groups: samples.some(RandomPolicies.users))
            var snapshot = samples.snapshot(of: peer(user))
            snapshot.isPeer = false
            snapshot.identity.pid = 700
            let query = PolicyQuery(policy, from: user, about: snapshot, Self.detail)
            let overview = ExplanationText(explanation: query.explainAll(), process: label)
            let agentOverview = agentText(query.policy, .get(.pid(700), .all), user, snapshot)
            #expect(overview.overview == agentOverview.overview, "seed \(seed), round \(round)")
            let edit = samples.edit()
            let numericEdit = Edit(edit.resource, soft: edit.soft, hard: edit.hard, mode: edit.mode)
            let decision = ExplanationText(explanation: try query.explain([numericEdit]), process: label)
            let batch = EditBatch([numericEdit.numeric(now: snapshot.now[edit.resource], most: .infinity)])
            let agentDecision = agentText(query.policy, .set(.pid(700), batch, lease: nil), user, snapshot)
            #expect(decision.decision == agentDecision.decision, "seed \(seed), round \(round)")
            if decision.explanation.isAllowed { granted += 1 } else { refused += 1 }
        }
        #expect(granted > 100 && refused > 100)
    }
}
