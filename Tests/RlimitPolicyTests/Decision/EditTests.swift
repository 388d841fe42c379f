import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Exact and at-least edits")
struct EditTests {
    let policy = Policy(allows: [allow()], openFilesCeiling: 1_048_576)

    @Test("Hard may be raised up to the ceiling of the rule, and soft with it")
    func ceiling() throws {
        let edit = try #require(try policy.granted(set(files(65536))).first)
        #expect(edit.new == Limit(65536) && edit.rule == "web servers" && !edit.mayLower && edit.index == 0)
        #expect(
            try policy.granted(set(NumericEdit(.openFiles, hard: 9000))).first?.new == Limit(soft: 1024, hard: 9000))
        #expect(!policy.grants(set(files(65537))))
        #expect(!policy.grants(set(NumericEdit(.processes, hard: 5000))))
    }

    @Test("If hard is above the ceiling already, it may stay, and soft may be raised to it")
    func aboveCeilingAlready() throws {
        let snapshot = process(uid: 1001, now: Limit(soft: 10, hard: 100_000))
        let any = Policy(allows: [allow(target: TargetPattern(.any))])
        let edit = try #require(try any.granted(set(NumericEdit(.openFiles, soft: 100_000)), on: snapshot).first)
        #expect(edit.new == Limit(100_000) && edit.rule == "web servers")
        #expect(!any.grants(set(files(100_001)), on: snapshot))
    }

    @Test("Lowering a half requires a rule with `lower` for that resource")
    func lowering() throws {
        let lowering = Policy(allows: [allow(lower: true)])
        for edit in [
            NumericEdit(.openFiles, soft: 512), NumericEdit(.openFiles, hard: 2048),
            NumericEdit(.openFiles, soft: 0, hard: 0),
            NumericEdit(.openFiles, soft: 512, hard: 8192),
        ] {
            #expect(policy.refused(set(edit))?.message.contains("lower") == true)
            let granted = try #require(try lowering.granted(set(edit)).first)
            #expect(granted.mayLower && granted.rule == "web servers" && granted.new == edit.applied(to: ordinary))
        }
        #expect(!lowering.grants(set(NumericEdit(.processes, soft: 512))))
        #expect(!lowering.grants(set(NumericEdit(.openFiles, soft: 512, hard: 65537))))
    }

    @Test("One rule must grant the whole edit; two rules do not combine")
    func noPatchwork() {
        let policy = Policy(allows: [allow("raise"), allow("lower", files: 10, lower: true)])
        #expect(policy.grants(set(NumericEdit(.openFiles, soft: 512))))
        #expect(policy.grants(set(files(65536))))
        #expect(!policy.grants(set(NumericEdit(.openFiles, soft: 512, hard: 8192))))
    }

    @Test("An at-least edit never lowers")
    func atLeast() throws {
        #expect(try policy.granted(set(files(2000, .atLeast))).first?.new == Limit(soft: 2000, hard: 4096))
        #expect(try policy.granted(set(files(8000, .atLeast))).first?.new == Limit(8000))
        #expect(try policy.granted(set(files(5, .atLeast))).first?.new == ordinary)
    }

    @Test("Soft above hard is refused with both numbers in the message")
    func softAboveHard() {
        for edit in [
            NumericEdit(.openFiles, soft: 10, hard: 5), NumericEdit(.openFiles, soft: 5000),
            NumericEdit(.openFiles, hard: 5),
        ] {
            let error = policy.refused(set(NumericEdit(.processes), edit))
            #expect(error?.code == .softExceedsHard && error?.editIndex == 1 && error?.resource == .openFiles)
        }
        #expect(policy.refused(set(NumericEdit(.openFiles, soft: 10, hard: 5)))?.message == "soft 10 is above hard 5")
    }

    @Test("A failed compare-and-set is a conflict that names the current limits")
    func expectation() {
        let edit = { (expected: Limit) in
            set(NumericEdit(.openFiles, soft: 8192, hard: 8192, expecting: expected))
        }
        #expect(policy.grants(edit(ordinary)))
        let error = policy.refused(edit(Limit(soft: 512, hard: 4096)))
        #expect(error?.code == .conflict && error?.editIndex == 0)
        #expect(error?.message == "nofile is 1024:4096 now, not 512:4096 as expected")
        // A caller that may not see the limits does not learn them.
        let stranger = policy.refused(edit(Limit(1)), on: process(uid: 1001))
        #expect(stranger?.code == .deniedByPolicy && stranger?.allowed == nil)
    }

    @Test("More open files than the kernel accepts is an error other than a policy denial")
    func systemCeiling() throws {
        let policy = Policy(allows: [allow(files: .infinity)], openFilesCeiling: 20_000)
        for bound in [20_001, .infinity] as [Limit.Bound] {
            let error = policy.refused(set(files(bound)))
            #expect(error?.code == .aboveSystemCeiling && error?.allowed == Limit(20_000))
        }
        #expect(policy.grants(set(files(20_000))))
        #expect(self.policy.refused(set(files(.infinity)))?.code == .deniedByPolicy)
        let clamped = try #require(try policy.granted(set(files(.infinity, .clamp))).first)
        #expect(clamped.new == Limit(20_000) && clamped.shortfall?.code == .aboveSystemCeiling)
    }

    @Test("A batch is granted completely or not at all, and the refusal names the edit")
    func batch() throws {
        let good = files(8192), bad = NumericEdit(.nice, hard: 8192)
        #expect(try policy.granted(set(good, NumericEdit(.cpuTime, soft: 4096))).map(\.index) == [0, 1])
        let error = policy.refused(set(good, bad))
        #expect(error?.editIndex == 1 && error?.resource == .nice)
        #expect(policy.refused(set(good, good))?.code == .invalidArgument)
        #expect(policy.refused(set())?.code == .invalidArgument)
    }

    @Test("`prlimit` with new limits is an exact edit of both halves")
    func prlimit() throws {
        let request = Request(id: 1, .prlimit(.caller, .openFiles, Limit(soft: 2000, hard: 65536)))
        #expect(try policy.granted(request).first?.new == Limit(soft: 2000, hard: 65536))
        #expect(!policy.grants(Request(id: 1, .prlimit(.caller, .openFiles, Limit(65537)))))
    }

    @Test("Of several rules, the one with the highest ceiling grants, then the first by name")
    func whichRule() throws {
        let policy = Policy(allows: [allow("c", files: 9000), allow("b", files: 9000), allow("a", files: 8000)])
        #expect(try policy.granted(set(files(7000))).first?.rule == "b")
        #expect(try policy.granted(set(files(9000))).first?.rule == "b")
    }

    @Test("A caller that may lower a limit may also undo a raise")
    func mayLower() throws {
        let policy = Policy(allows: [allow("a"), allow("b", files: 10, lower: true)])
        #expect(try policy.granted(set(files(65536))).first?.mayLower == true)
        #expect(try policy.granted(set(NumericEdit(.openFiles, soft: 4096))).first?.mayLower == true)
        #expect(try policy.granted(set(NumericEdit(.cpuTime, soft: 4096))).first?.mayLower == false)
    }
}
