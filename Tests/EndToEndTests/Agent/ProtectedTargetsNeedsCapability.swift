import Foundation
import Testing

/// Processes that the agent never changes, and processes that a caller may not change without a rule.
@Suite("Protected targets", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct ProtectedTargetsNeedsCapability {
    /// The widest possible rule: root and alice may change the limits of all processes.
    private static let everything = """
        version = 1
        [[allow]]
        name = "everything"
        caller.users = [0, \(Account.alice.uid)]
        target = { relation = "any", users = ["0-4294967294"] }
        limits.nofile = "max"
        """

    private static let openFiles = "Max open files"

    private func expectRefused(
        _ pid: pid_t, by account: Account, policy: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let agent = try AgentProcess(policy: policy)
        try expectRefused(pid, by: account, agent, sourceLocation: sourceLocation)
    }

    private func expectRefused(
        _ pid: pid_t, by account: Account, _ agent: AgentProcess, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let files = ProcessFiles(pid: pid), before = try files.limit(Self.openFiles)
        let result = try Rlimitctl(agent, as: account)("set", "--agent", "nofile=1000000", "--pid", "\(pid)")
        #expect(result.status == 77, "\(result.output)\(result.error)", sourceLocation: sourceLocation)
        #expect(try files.limit(Self.openFiles) == before, sourceLocation: sourceLocation)
    }

    @Test func `The policy of these tests permits changes of another user's ordinary process`() throws {
        let agent = try AgentProcess(policy: Self.everything)
        let sample = try SampleProcess(as: .bob, limits: ["--nofile=4096:4096"])
        let result = try Rlimitctl(agent, as: .alice)("set", "--agent", "nofile=1000000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(try sample.files.limit(Self.openFiles) == .init(soft: "1000000", hard: "1000000"))
    }

    @Test(arguments: [Account.root, .alice])
    func `The agent itself is never changed`(by account: Account) throws {
        let agent = try AgentProcess(policy: Self.everything)
        try expectRefused(agent.pid, by: account, agent)
    }

    @Test(arguments: [Account.root, .alice])
    func `Process 1 is never changed`(by account: Account) throws {
        try expectRefused(1, by: account, policy: Self.everything)
    }

    @Test(arguments: [Account.root, .alice])
    func `A kernel thread is never changed`(by account: Account) throws {
        let kernelThread: pid_t = 2
        try #require(try ProcessFiles(pid: kernelThread).name == "kthreadd")
        try expectRefused(kernelThread, by: account, policy: Self.everything)
    }

    @Test func `A rule without a target does not match another user's process`() throws {
        let sample = try SampleProcess(as: .bob, limits: ["--nofile=4096:4096"])
        try expectRefused(sample.pid, by: .alice, policy: Policies.openFiles(1_000_000))
    }

    @Test func `A process of the same user with another group is not changed`() throws {
        let sample = try SampleProcess(
            as: Account(uid: Account.alice.uid, gid: Account.bob.gid), limits: ["--nofile=4096:4096"])
        try expectRefused(sample.pid, by: .alice, policy: Policies.openFiles(1_000_000))
    }

    @Test func `A rule must name root to match root's processes`() throws {
        let policy = """
            version = 1
            [[allow]]
            name = "all users"
            caller.users = [\(Account.alice.uid)]
            target = "any"
            limits.nofile = "max"
            """
        let sample = try SampleProcess(as: .root, limits: ["--nofile=4096:4096"])
        try expectRefused(sample.pid, by: .alice, policy: policy)
    }

    @Test func `A user's own setuid program is not changed`() throws {
        let program = try SetuidProgram()
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"], program: program.path)
        try #require(try sample.files.status("Uid") == "64001 0 0 0")
        try expectRefused(sample.pid, by: .alice, policy: Policies.openFiles(1_000_000))
    }

    @Test func `A user that no rule names is refused`() throws {
        let sample = try SampleProcess(as: .bob, limits: ["--nofile=4096:4096"])
        try expectRefused(sample.pid, by: .bob, policy: Policies.openFiles(1_000_000))
    }

    @Test func `A deny rule overrides an allow rule in any order`() throws {
        let deny = """
            [[deny]]
            name = "at most 64k files"
            caller.users = ["64000-64999"]
            above.nofile = "64K"

            """
        let allow = Policies.openFiles(1_000_000)
        for policy in ["version = 1\n" + deny + allow.replacing("version = 1\n", with: ""), allow + "\n" + deny] {
            let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
            let agent = try AgentProcess(policy: policy), rlimitctl = Rlimitctl(agent, as: .alice)
            let result = try rlimitctl("set", "nofile=65537", "--pid", "\(sample.pid)")
            #expect(result.status == 77)
            #expect(result.error.contains("at most 64k files"), "the error does not name the rule: \(result.error)")
            #expect(try rlimitctl("set", "nofile=65536", "--pid", "\(sample.pid)").status == 0)
        }
    }
}
