import RlimitModel
import Testing

@testable import rlimitctl

@Suite("Refusals")
struct RefusalTests {
    private let denied = RlimitError(
        .deniedByPolicy,
        message: "no rule lets uid 1000 raise nofile to 900000; the most is 4096, the present hard limit",
        resource: .openFiles, editIndex: 0, allowed: Limit(4096))
    private let now = Limit(soft: 1024, hard: 4096)

    private func caller(
        uid: UInt32 = 1000, depth: Int? = 1, cgroup: String? = nil, mixed: Bool = false
    ) -> AgentInfo.Caller {
        AgentInfo.Caller(
            Peer(pid: 42, uid: uid, gid: uid, namespaceDepth: depth, cgroup: cgroup, hasMixedIDs: mixed))
    }

    private func refusal(
        _ edits: [Edit], error: RlimitError? = nil, caller: AgentInfo.Caller? = nil, target: Refusal.TargetInfo? = nil
    ) -> Refusal {
        Refusal(
            error: error ?? denied, request: .set(edits.map { DryRunEdit($0, now: now) }),
            caller: caller ?? self.caller(), callerName: "alice", target: target)
    }

    private func targetInfo(_ uid: UInt32, isPrivileged: Bool = false) -> Refusal.TargetInfo {
        Refusal.TargetInfo(credentials: Credentials(uid: uid, gid: uid), userName: "other", isPrivileged: isPrivileged)
    }

    @Test("A refusal exits with 77, states the maximum allowed, and suggests a rule")
    func raise() throws {
        let failure = refusal([.set(.openFiles, to: 900_000)]).failure
        #expect(failure.status == 77)
        #expect(failure.message == denied.message)
        #expect(
            failure.advice.hasSuffix(
                """
                [[allow]]
                name = "alice: nofile 900000"
                caller.users = ["alice"]
                limits = { nofile = 900000 }

                """))
        #expect(failure.json.text.contains(#""allow":"[[allow]]\nname ="#))
    }

    @Test("The maximum is added to a message without it")
    func maximum() {
        var error = denied
        error.message = "refused by policy"
        #expect(refusal([], error: error).failure.message == "refused by policy; the most is 4096")
    }

    @Test("A rule that grants only with a lease does not count as a denying rule")
    func leaseNeeded() {
        var error = denied
        error.rule = "ci cores"
        error.message = "rule \"ci cores\" lets uid 1000 raise nofile to 9000, but only with a lease of at most 60 s"
        #expect(refusal([.set(.openFiles, to: 9000)], error: error).failure.advice == "Request it with --lease TIME.\n")
        error.message = "rule \"ci cores\" lets a lease be renewed for at most 60 s"
        #expect(refusal([.set(.openFiles, to: 9000)], error: error).failure.advice.isEmpty)
    }

    @Test("A denying rule is named, and no rule is suggested")
    func deny() {
        var error = denied
        error.rule = "at most 64k files"
        let failure = refusal([.set(.openFiles, to: 900_000)], error: error).failure
        #expect(failure.advice.contains("[[deny]] rule \"at most 64k files\" takes precedence"))
        #expect(!failure.advice.contains("caller.users"))
        #expect(failure.json.text.contains(#""allow":null"#))
    }

    @Test("No rule is suggested for a request that no rule can grant")
    func noRule() {
        let edit = Edit.set(.openFiles, to: 900_000)
        var wholeProcess = denied
        wholeProcess.editIndex = nil
        #expect(refusal([edit], error: wholeProcess).rule == nil, "the process is never changed")
        #expect(refusal([edit], caller: caller(mixed: true)).rule == nil)
        #expect(refusal([edit], caller: caller(depth: 2)).rule == nil, "a container without a known cgroup")
        #expect(refusal([edit], error: RlimitError(.deniedByKernel, editIndex: 0)).rule == nil)
        #expect(refusal([]).rule == nil)
        #expect(
            Refusal(error: denied, request: .set([DryRunEdit(edit, now: now)])).rule == nil,
            "the caller is unknown")
    }

    @Test("For several edits the rule covers those that need one, with the higher limit")
    func several() {
        let rule = refusal([
            .set(.openFiles, soft: 4096), .set(.lockedMemory, to: Limit(soft: 1024, hard: .mebibytes(1))),
            .raise(.stackSize, to: .mebibytes(16)), .set(.processes, to: Limit(soft: 1024, hard: 4096)),
        ]).rule
        #expect(rule?.ceilings.map(\.resource) == [.lockedMemory, .stackSize])
        #expect(rule?.ceilings.map(\.bound) == [.mebibytes(1), .mebibytes(16)])
        #expect(rule?.lowers == false)
    }

    @Test("Lowering through the agent needs lower = true")
    func lowering() {
        var refusal = refusal([.set(.openFiles, hard: 2048)])
        #expect(refusal.rule == nil, "the kernel permits a process to lower its own limits")
        refusal.isAgentOnly = true
        let rule = refusal.rule
        #expect(rule?.lowers == true)
        #expect(rule?.text.contains("limits = { nofile = 2048 }\nlower = true\n") == true)
    }

    @Test("The rule for another user's process names that user, even if only the soft limit is raised")
    func foreign() {
        let rule = refusal([.set(.openFiles, soft: 4096)], target: targetInfo(33)).rule
        #expect(rule?.text.contains("target = { relation = \"any\", users = [\"other\"] }") == true)
        #expect(rule?.text.contains("nofile = 4096") == true)
    }

    @Test("The rule for a more privileged process of the same user names the user")
    func privileged() {
        let target = targetInfo(1000, isPrivileged: true)
        let rule = refusal([.set(.openFiles, to: 900_000)], target: target).rule
        #expect(rule?.text.contains("target = { relation = \"same-user\", users = [\"other\"] }") == true)
        #expect(refusal([.set(.openFiles, to: 900_000)], target: targetInfo(1000)).rule?.target == nil)
    }

    @Test("The rule for a caller in a container names its number and cgroup")
    func container() {
        let rule = refusal(
            [.set(.openFiles, to: 900_000)], caller: caller(depth: 2, cgroup: "/kubepods.slice/pod1/c1")
        ).rule
        #expect(rule?.text.contains("caller.users = [1000]\ncaller.cgroups = [\"/kubepods.slice/pod1/c1\"]\n") == true)
    }

    @Test("A refused get suggests a rule with the operation get")
    func reading() {
        let refusal = Refusal(
            error: RlimitError(.deniedByPolicy), request: .get, caller: caller(), callerName: "alice",
            target: targetInfo(0))
        #expect(refusal.rule?.operation == "get")
        #expect(refusal.rule?.ceilings.isEmpty == true)
    }
}
