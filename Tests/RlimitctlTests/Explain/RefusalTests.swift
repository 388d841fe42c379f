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

    private func whom(_ uid: UInt32, isPrivileged: Bool = false) -> Refusal.TargetInfo {
        Refusal.TargetInfo(credentials: Credentials(uid: uid, gid: uid), userName: "other", isPrivileged: isPrivileged)
    }

    @Test("What is refused exits with 77, says the most that is allowed, and brings a rule to paste")
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

    @Test("The most that is allowed is said where the message does not")
    func most() {
        var error = denied
        error.message = "refused by policy"
        #expect(refusal([], error: error).failure.message == "refused by policy; the most is 4096")
    }

    @Test("A rule that grants with a lease alone does not count as one that denies")
    func leaseNeeded() {
        var error = denied
        error.rule = "ci cores"
        error.message = "rule \"ci cores\" lets uid 1000 raise nofile to 9000, but only with a lease of at most 60 s"
        #expect(refusal([.set(.openFiles, to: 9000)], error: error).failure.advice == "Request it with --lease TIME.\n")
        error.message = "rule \"ci cores\" lets a lease be renewed for at most 60 s"
        #expect(refusal([.set(.openFiles, to: 9000)], error: error).failure.advice.isEmpty)
    }

    @Test("A rule that denies is named, and none is brought that could not help")
    func deny() {
        var error = denied
        error.rule = "at most 64k files"
        let failure = refusal([.set(.openFiles, to: 900_000)], error: error).failure
        #expect(failure.advice.contains("[[deny]] rule \"at most 64k files\" takes precedence"))
        #expect(!failure.advice.contains("caller.users"))
        #expect(failure.json.text.contains(#""allow":null"#))
    }

    @Test("No rule is brought for what none could grant")
    func hopeless() {
        let edit = Edit.set(.openFiles, to: 900_000)
        var wholeProcess = denied
        wholeProcess.editIndex = nil
        #expect(refusal([edit], error: wholeProcess).rule == nil, "the process is never changed")
        #expect(refusal([edit], caller: caller(mixed: true)).rule == nil)
        #expect(refusal([edit], caller: caller(depth: 2)).rule == nil, "a container without a cgroup that is known")
        #expect(refusal([edit], error: RlimitError(.deniedByKernel, editIndex: 0)).rule == nil)
        #expect(refusal([]).rule == nil)
        #expect(
            Refusal(error: denied, request: .set([DryRunEdit(edit, now: now)])).rule == nil,
            "the agent did not say who asks")
    }

    @Test("Of several edits, the rule covers those that need one, with the greater half")
    func several() {
        let rule = refusal([
            .set(.openFiles, soft: 4096), .set(.lockedMemory, to: Limit(soft: 1024, hard: .mebibytes(1))),
            .raise(.stackSize, to: .mebibytes(16)), .set(.processes, to: Limit(soft: 1024, hard: 4096)),
        ]).rule
        #expect(rule?.ceilings.map(\.resource) == [.lockedMemory, .stackSize])
        #expect(rule?.ceilings.map(\.bound) == [.mebibytes(1), .mebibytes(16)])
        #expect(rule?.lowers == false)
    }

    @Test("To lower is a right of its own, where the agent is to do it")
    func lowering() {
        var refusal = refusal([.set(.openFiles, hard: 2048)])
        #expect(refusal.rule == nil, "a process lowers its own")
        refusal.isAgentOnly = true
        let rule = refusal.rule
        #expect(rule?.lowers == true)
        #expect(rule?.text.contains("limits = { nofile = 2048 }\nlower = true\n") == true)
    }

    @Test("Another user's process is named by its user, even where only soft is raised")
    func foreign() {
        let rule = refusal([.set(.openFiles, soft: 4096)], target: whom(33)).rule
        #expect(rule?.text.contains("target = { relation = \"any\", users = [\"other\"] }") == true)
        #expect(rule?.text.contains("nofile = 4096") == true)
    }

    @Test("A process with more privilege is named though it is the caller's own user's")
    func privileged() {
        let target = whom(1000, isPrivileged: true)
        let rule = refusal([.set(.openFiles, to: 900_000)], target: target).rule
        #expect(rule?.text.contains("target = { relation = \"same-user\", users = [\"other\"] }") == true)
        #expect(refusal([.set(.openFiles, to: 900_000)], target: whom(1000)).rule?.target == nil)
    }

    @Test("A caller in a container is named by number and cgroup")
    func container() {
        let rule = refusal(
            [.set(.openFiles, to: 900_000)], caller: caller(depth: 2, cgroup: "/kubepods.slice/pod1/c1")
        ).rule
        #expect(rule?.text.contains("caller.users = [1000]\ncaller.cgroups = [\"/kubepods.slice/pod1/c1\"]\n") == true)
    }

    @Test("What may not be read needs a rule that reads")
    func reading() {
        let refusal = Refusal(
            error: RlimitError(.deniedByPolicy), request: .get, caller: caller(), callerName: "alice", target: whom(0))
        #expect(refusal.rule?.operation == "get")
        #expect(refusal.rule?.ceilings.isEmpty == true)
    }
}
