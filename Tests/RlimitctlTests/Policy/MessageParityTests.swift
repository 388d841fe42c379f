import PolicySamples
import RlimitModel
import RlimitPolicy
import Testing

@testable import rlimitctl

@Suite("explain --as-user and the agent")
struct MessageParityTests {
    // As the agent sees one who calls from outside of containers, whose cgroup says nothing.
    private func peer(_ user: PolicyUser) -> Peer {
        Peer(pid: 500, uid: user.uid, gid: user.gid, groups: user.groups, namespaceDepth: 1)
    }

    private func agentText(
        _ policy: Policy, _ operation: Request.Operation, _ user: PolicyUser, _ subject: TargetSnapshot
    )
        -> ExplanationText
    {
        let request = Request(id: 3, isExplain: true, operation)
        let explanation = policy.explain(request, from: peer(user), on: subject) { Self.detail }
        return ExplanationText(explanation: explanation, process: label)
    }

    private let label = ProcessLabel(pid: 700, command: "p")
    private static let detail = ProcessDetail(isKernelThread: false, capabilities: 0, cgroup: "/x", ancestors: [1])

    @Test("say the same of a running process, to the last word", arguments: 0..<3)
    func sameWords(seed: Int) throws {
        var samples = RandomPolicies(seed: UInt64(seed) * 977 + 11)
        var (granted, refused) = (0, 0)
        for round in 0..<1500 {
            let (allows, denies) = samples.rules()
            let policy = Policy(allows: allows, denies: denies, protection: samples.protection())
            let user = PolicyUser(
                name: "u", uid: samples.pick(RandomPolicies.users), gid: samples.pick(RandomPolicies.users),
                groups: samples.some(RandomPolicies.users))
            var subject = samples.snapshot(of: peer(user))
            subject.isPeer = false
            subject.identity.pid = 700
            let question = PolicyQuery(policy, from: user, about: subject, Self.detail)
            let asked = ExplanationText(explanation: question.explainAll(), process: label)
            let told = agentText(question.policy, .get(.pid(700), .all), user, subject)
            #expect(asked.overview == told.overview, "seed \(seed), round \(round)")
            let edit = samples.edit()
            let dryRunEdit = Edit(
                edit.resource, soft: edit.soft, hard: edit.hard, mode: edit.mode)
            let decided = ExplanationText(explanation: try question.explain([dryRunEdit]), process: label)
            let batch = EditBatch([dryRunEdit.numeric(now: subject.now[edit.resource], most: .infinity)])
            let decidedByAgent = agentText(question.policy, .set(.pid(700), batch, lease: nil), user, subject)
            #expect(decided.decision == decidedByAgent.decision, "seed \(seed), round \(round)")
            if decided.explanation.isAllowed { granted += 1 } else { refused += 1 }
        }
        #expect(granted > 100 && refused > 100)
    }
}
