import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Clamped edits")
struct ClampTests {
    func clamp(_ policy: Policy, _ edit: NumericEdit, on snapshot: TargetSnapshot = itself()) throws -> AuthorizedEdit {
        try #require(try policy.granted(set(edit), on: snapshot).first)
    }

    @Test("A value within the ceiling is granted completely, without a shortfall")
    func whole() throws {
        let edit = try clamp(Policy(allows: [allow()]), files(10_000, .clamp))
        #expect(edit.new == Limit(10_000) && edit.shortfall == nil && edit.rule == "web servers")
    }

    @Test("A value above the ceiling is reduced, and the shortfall names the maximum and the rule")
    func cut() throws {
        let edit = try clamp(Policy(allows: [allow()]), files(2_000_000, .clamp))
        #expect(edit.new == Limit(65536) && edit.rule == "web servers")
        #expect(edit.shortfall?.code == .deniedByPolicy && edit.shortfall?.allowed == Limit(65536))
        #expect(
            edit.shortfall?.message
                == "no rule lets uid 1000 raise nofile to 2000000; the most is 65536 (rule \"web servers\")")
    }

    @Test("Without a rule, soft goes to hard, and the shortfall says that no rule grants more")
    func baseline() throws {
        let edit = try clamp(.baselineOnly, files(2_000_000, .clamp))
        #expect(edit.new == Limit(4096) && edit.rule == nil)
        #expect(
            edit.shortfall?.message
                == "no rule lets uid 1000 raise nofile to 2000000; the most is 4096, the present hard limit")
    }

    @Test("A clamped edit never lowers, whatever the values and the ceiling")
    func neverLess() throws {
        let now = Limit(soft: 100_000, hard: 200_000)
        for bound in [5, 65536, 150_000, 200_000, 300_000] as [Limit.Bound] {
            let edit = try clamp(Policy(allows: [allow()]), files(bound, .clamp), on: itself(now: now))
            #expect(edit.new == Limit(soft: max(100_000, min(bound, 200_000)), hard: 200_000))
            #expect((edit.shortfall == nil) == (bound <= 200_000))
        }
    }

    @Test("Soft alone goes at most to hard")
    func softAlone() throws {
        let edit = try clamp(Policy(allows: [allow()]), NumericEdit(.openFiles, soft: 10_000, mode: .clamp))
        #expect(edit.new == Limit(4096) && edit.rule == nil)
        #expect(edit.shortfall?.code == .softExceedsHard && edit.shortfall?.message == "soft 10000 is above hard 4096")
    }

    @Test("Hard alone leaves soft unchanged")
    func hardAlone() throws {
        let edit = try clamp(Policy(allows: [allow()]), NumericEdit(.openFiles, hard: .infinity, mode: .clamp))
        #expect(edit.new == Limit(soft: 1024, hard: 65536))
    }

    @Test("The bound of a deny rule also reduces the value and is named")
    func denied() throws {
        let deny = DenyRule(name: "at most 10k", caller: .everyone, above: Ceilings([.openFiles: 10_000]))
        let edit = try clamp(Policy(allows: [allow()], denies: [deny]), files(20_000, .clamp))
        #expect(edit.new == Limit(10_000) && edit.shortfall?.rule == "at most 10k")
        let all = DenyRule(name: "nothing", caller: .everyone)
        let none = try clamp(Policy(allows: [allow()], denies: [all]), files(20_000, .clamp))
        #expect(none.new == Limit(4096) && none.shortfall?.rule == "nothing" && none.rule == nil)
    }

    @Test("A clamped edit grants nothing on a process that the caller may not change")
    func stranger() {
        #expect(
            Policy(allows: [allow()]).refused(set(files(20_000, .clamp)), on: process(uid: 1001))?.code
                == .deniedByPolicy)
    }

    @Test("An exact edit to the clamped value would have been granted")
    func agreesWithExact() throws {
        let deny = DenyRule(name: "d", caller: .everyone, above: Ceilings([.openFiles: 30_000]))
        for policy in [.baselineOnly, Policy(allows: [allow()]), Policy(allows: [allow()], denies: [deny])] as [Policy]
        {
            for bound in [0, 1000, 4096, 5000, 30_000, 30_001, 65_536, 70_000, .infinity] as [Limit.Bound] {
                let edit = try clamp(policy, files(bound, .clamp))
                let exact = NumericEdit(.openFiles, soft: edit.new.soft, hard: edit.new.hard)
                #expect(policy.grants(set(exact)))
                let more = NumericEdit(.openFiles, hard: Limit.Bound(rawValue: edit.new.hard.rawValue + 1))
                if edit.shortfall != nil { #expect(!policy.grants(set(more))) }
            }
        }
    }
}
