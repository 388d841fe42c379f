import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Explanations")
struct ExplainTests {
    func explain(
        _ policy: Policy, _ operation: Request.Operation, by peer: Peer = caller(), on snapshot: TargetSnapshot? = nil
    ) -> Explanation {
        policy.explain(
            Request(id: 1, isExplain: true, operation), from: peer, on: snapshot ?? itself(peer), detail: { plain })
    }

    @Test("Explaining a get reports the current limits, the maximum and its rule")
    func most() throws {
        let explanation = explain(Policy(allows: [allow()]), .get(.caller, .all))
        #expect(explanation.isAllowed && explanation.verdicts.count == 16)
        for verdict in explanation.verdicts {
            let isFiles = verdict.resource == .openFiles
            #expect(verdict.now == ordinary && verdict.new == nil && verdict.error == nil)
            #expect(verdict.most == Limit(isFiles ? 65536 : 4096))
            #expect(verdict.rule == (isFiles ? "web servers" : nil))
        }
    }

    @Test("The maximum is bounded by fs.nr_open and by deny rules")
    func bounded() throws {
        let rule = allow(files: .infinity)
        func most(_ policy: Policy) throws -> Limit? {
            try #require(explain(policy, .get(.caller, ResourceSet([.openFiles]))).verdicts.first).most
        }
        #expect(try most(Policy(allows: [rule], openFilesCeiling: 30_000)) == Limit(30_000))
        let deny = DenyRule(name: "d", caller: .everyone, above: Ceilings([.openFiles: 20_000]))
        #expect(try most(Policy(allows: [rule], denies: [deny], openFilesCeiling: 30_000)) == Limit(20_000))
        let none = DenyRule(name: "d", caller: .everyone)
        #expect(try most(Policy(allows: [rule], denies: [none])) == Limit(4096))
    }

    @Test("Explaining edits reports the result of each, and the reason of the first refusal")
    func edits() throws {
        let batch = EditBatch([
            files(8192), files(0), NumericEdit(.cpuTime, hard: 9000), NumericEdit(.nice, soft: 2000),
        ])
        let policy = Policy(allows: [allow()])
        let whole = explain(policy, .set(.caller, batch, lease: nil))
        #expect(whole.refusal?.code == .invalidArgument && whole.verdicts.isEmpty)
        let some = EditBatch([files(8192), NumericEdit(.cpuTime, hard: 9000), NumericEdit(.nice, soft: 2000)])
        let explanation = explain(policy, .set(.caller, some, lease: nil))
        #expect(!explanation.isAllowed && explanation.refusal?.editIndex == 1)
        #expect(explanation.verdicts.map(\.new) == [Limit(8192), nil, Limit(soft: 2000, hard: 4096)])
        #expect(explanation.verdicts.map(\.rule) == ["web servers", nil, nil])
        #expect(explanation.verdicts[1].error == explanation.refusal)
    }

    @Test("An explanation agrees with authorize")
    func agreement() {
        let policy = Policy(allows: [allow()])
        for bound in [0, 1024, 4096, 65536, 65537, .infinity] as [Limit.Bound] {
            for mode in [.exact, .atLeast, .clamp] as [Edit.Mode] {
                let request = set(files(bound, mode))
                let explanation = explain(policy, request.operation)
                #expect(explanation.refusal == policy.refused(request))
                #expect(explanation.verdicts.first?.new == (try? policy.granted(request))?.first?.new)
            }
        }
        for snapshot in [itself(), process(uid: 1001)] {
            #expect(explain(policy, usage.operation, on: snapshot).refusal == policy.refused(usage, on: snapshot))
        }
    }

    @Test("An explanation reveals nothing of a process that the caller may not see, and says if a process is protected")
    func strangers() throws {
        let stranger = explain(.baselineOnly, .get(.caller, .all), on: process(uid: 1001))
        #expect(!stranger.isAllowed)
        #expect(stranger.verdicts.allSatisfy { $0.now == nil && $0.most == nil && $0.error != nil })
        let policy = Policy(protection: Protection(users: IDSet(1000)))
        let protected = explain(policy, .get(.caller, ResourceSet([.nice])))
        #expect(protected.isAllowed && protected.verdicts.first?.now == ordinary)
        #expect(protected.verdicts.first?.most == nil && protected.verdicts.first?.error != nil)
    }
}
