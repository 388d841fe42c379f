import Foundation
import Testing

/// What an agent answers to a caller without any rule about other processes of its user.
@Suite("The baseline through rlimitctl")
struct BaselineTests {
    private let agent: AgentProcess
    private let rlimitctl: Rlimitctl
    private let limits = ["--nofile=1024:4096"]

    init() throws {
        agent = try AgentProcess(policy: Policies.nothing)
        rlimitctl = Rlimitctl(agent, as: .served)
    }

    @Test func `A user without a rule has its own shell explained`() throws {
        let overview = try rlimitctl.shell("rlimitctl explain --pid $$", limits: limits)
        #expect(overview.status == 0, "\(overview.error)")
        #expect(overview.output.contains("1024:4096"), "\(overview.output)")
        let granted = try rlimitctl.shell("rlimitctl explain --agent --pid $$ nofile=4096", limits: limits)
        #expect(granted.status == 0, "\(granted.error)\(granted.output)")
        // Refused for what is asked, and not for the name of the process.
        let refused = try rlimitctl.shell("rlimitctl explain --pid $$ nofile=8192", limits: limits)
        #expect(refused.status == 77)
        #expect(refused.output.contains("the most is 4096"), "\(refused.output)")
        #expect(!refused.output.contains("any process but itself"))
    }

    @Test func `A user without a rule reads and raises its own shell by the agent`() throws {
        let script = """
            rlimitctl get --agent --pid $$ nofile && rlimitctl usage --agent --pid $$ >/dev/null \\
                && rlimitctl set --agent --dry-run --pid $$ nofile=2048 && ulimit -Sn \\
                && rlimitctl set --agent --pid $$ nofile=2048 && ulimit -Sn
            """
        let result = try rlimitctl.shell(script, limits: limits)
        #expect(result.status == 0, "\(result.error)")
        // The dry run changed nothing, and the set did.
        #expect(result.output.contains("\n1024\n") && result.output.hasSuffix("\n2048\n"), "\(result.output)")
    }

    @Test func `The process of another user stays hidden from a user without a rule`() throws {
        let other = try SampleProcess(as: .bob)
        let result = try rlimitctl("explain", "--agent", "--pid", "\(other.pid)", "nofile=4096")
        #expect(result.status == 77)
        #expect(!result.output.contains("any process but itself"), "\(result.output)")
    }

    @Test func `In another PID namespace, the refusal names the rule that would help`() throws {
        let ask = "\(try Programs.rlimitctl) get --agent --pid $! nofile"
        let script = "sleep 600 & \(ask); status=$?; kill $!; exit $status"
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        let result = try ChildProcess.run(
            namespace + Account.served.setpriv + ["sh", "-c", script],
            environment: ["RLIMITD_SOCKET": agent.socket, "SUDO_UID": ""])
        #expect(result.status == 77, "\(result.error)\(result.output)")
        let help = "of any process but itself; an allow rule with caller.cgroups"
        #expect(result.error.contains(help), "\(result.error)")
    }

    @Test func `The agent reports its policy and its generation`() throws {
        let before = try rlimitctl("--json", "status")
        #expect(before.output.contains("\"policyGeneration\":1,"), "\(before.output)\(before.error)")
        try agent.reload(policy: Policies.openFiles(5000))
        try waitUntil("the policy is loaded") {
            try rlimitctl("--json", "status").output.contains("\"policyGeneration\":2,")
        }
        let after = try rlimitctl("status")
        #expect(after.output.contains("1 rule, generation 2, /"), "\(after.output)")
    }
}
