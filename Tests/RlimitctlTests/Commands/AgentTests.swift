import Foundation
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile
import ScriptedAgents
import Testing

@Suite("rlimitctl and an agent")
struct AgentTests {
    /// Parses printed rules as a policy.
    private func policy(_ lines: some StringProtocol) throws -> Policy {
        try PolicyLoader(dropIns: []).load(text: "version = 1\n" + lines, named: "pasted").policy
    }

    /// A rule for all processes of the user of the tests. It names the user, which is needed for root.
    private let files = """
        [[allow]]
        name = "files"
        caller = "everyone"
        target = { relation = "same-user", users = [\(getuid())] }
        limits.nofile = 65536
        """

    @Test("A refusal suggests a rule, and an agent with that rule grants the request")
    func refused() throws {
        let child = try SpawnedChild()
        let arguments = ["set", "nofile=5000", "memlock=64G", "cpu=3h", "nice=-10", "--agent", "--pid", child.pid]
        let refusing = try PolicyAgent.agent()
        let tool = try ToolRun(running: ToolRun.path, arguments, socket: refusing.path)
        #expect(tool.status == 77)
        #expect(tool.output == "")
        #expect(
            tool.errorOutput.hasPrefix("rlimitctl: no rule lets uid \(getuid()) raise nofile to 5000; the most is 1000")
        )
        let lines = try #require(tool.errorOutput.range(of: "[[allow]]")).lowerBound
        let granting = try PolicyAgent.agent(try policy(tool.errorOutput[lines...]))
        let again = try ToolRun(running: ToolRun.path, arguments, socket: granting.path)
        #expect(again.status == 0, "\(again.errorOutput)")
        #expect(again.output.hasPrefix("nofile 1000:1000 -> 5000:5000  sleep (pid \(child.pid))\n"))
        #expect(again.errorOutput.contains("user namespace"))
    }

    @Test("JSON of a refusal has the rule as text")
    func refusedAsJSON() throws {
        let child = try SpawnedChild(), agent = try PolicyAgent.agent()
        let tool = try ToolRun("set", "nofile=5000", "--agent", "--json", "--pid", child.pid, socket: agent.path)
        #expect(tool.status == 77)
        let error = try tool.object().object("error")
        #expect(error.string("code") == "deniedByPolicy" && error.number("exit") == 77)
        #expect(error.object("allowed").number("hard") == 1000)
        #expect(error.isNull("rule"))
        #expect(try policy(error.string("allow") ?? "").summary == "1 rule")
        #expect(tool.errorOutput.filter { $0 == "\n" }.count == 1)
    }

    @Test("A denying rule is named")
    func denied() throws {
        let child = try SpawnedChild()
        let lines = """
            [[allow]]
            name = "all"
            caller = "everyone"
            target = { relation = "same-user", users = [\(getuid())] }
            limits.nofile = "max"
            [[deny]]
            name = "at most 4k files"
            caller = "everyone"
            above.nofile = "4K"
            """
        let agent = try PolicyAgent.agent(try policy(lines))
        let tool = try ToolRun("set", "nofile=5000", "--agent", "--pid", child.pid, socket: agent.path)
        #expect(tool.status == 77)
        #expect(tool.errorOutput.contains("rule \"at most 4k files\" refuses"))
        #expect(tool.errorOutput.contains("the most is 4096"))
        #expect(!tool.errorOutput.contains("caller.users"))
    }

    @Test("--clamp prints the new limit and why it is less")
    func clamp() throws {
        let child = try SpawnedChild(), agent = try PolicyAgent.agent()
        let tool = try ToolRun("set", "nofile=5000", "--clamp", "--agent", "--pid", child.pid, socket: agent.path)
        #expect(tool.status == 0)
        #expect(tool.output == "nofile 1000:1000 -> 1000:1000  sleep (pid \(child.pid))\n")
        #expect(tool.errorOutput.contains("rlimitctl: nofile got less than requested: no rule"))
    }

    @Test("A dry run prints the changes and makes none")
    func dryRun() throws {
        let child = try SpawnedChild(limits: ["-n 700"]), agent = try PolicyAgent.agent()
        let tool = try ToolRun("set", "nofile=900:", "--dry-run", "--agent", "--pid", child.pid, socket: agent.path)
        #expect(try child.shown("Max open files") == ["700", "700"])
        #expect(tool.status == 77, "the agent does not lower without a rule")
        // A dry run of what the kernel permits needs no agent.
        let raise = try ToolRun("set", "nofile=600:650", "--dry-run", "--pid", child.pid)
        #expect(raise.status == 0)
        #expect(raise.output == "nofile 700:700 -> 600:650  sleep (pid \(child.pid))  (dry run)\n")
        let answer = try ToolRun("set", "nofile=600:650", "--dry-run", "--json", "--pid", child.pid)
        #expect(try answer.object()["dryRun"] as? Bool == true)
        #expect(try answer.object().objects("changes").first?.object("new").number("hard") == 650)
        #expect(try child.shown("Max open files") == ["700", "700"])
    }

    @Test("explain without edits shows the maximum allowed and the rule")
    func overview() throws {
        let child = try SpawnedChild()
        let agent = try PolicyAgent.agent(try policy(files))
        let tool = try ToolRun("explain", "--pid", child.pid, socket: agent.path)
        #expect(tool.status == 0)
        let lines = tool.output.split(separator: "\n")
        #expect(lines.count == 17)
        #expect(lines.first?.split(separator: " ") == ["RESOURCE", "NOW", "MAX-ALLOWED", "RULE"])
        #expect(lines.contains { $0.split(separator: " ") == ["nofile", "1000:1000", "65536:65536", "files"] })
        #expect(lines.contains { $0.split(separator: " ") == ["nproc", "1000:1000", "1000:1000", "-"] })
        let answer = try ToolRun("explain", "--json", "--pid", child.pid, socket: agent.path).object()
        #expect(answer["isAllowed"] as? Bool == true)
        #expect(answer.objects("verdicts").count == 16)
    }

    @Test("explain with edits shows the deciding rule, or a rule that would grant them")
    func decision() throws {
        let child = try SpawnedChild(limits: ["-n 1000", "-p 1000"])
        let agent = try PolicyAgent.agent(try policy(files))
        let granted = try ToolRun("explain", "nofile=5000", "--agent", "--pid", child.pid, socket: agent.path)
        #expect(granted.status == 0)
        #expect(granted.output.hasSuffix(": granted by rule \"files\"\n"))
        let refused = try ToolRun(
            "explain", "nofile=70000", "nproc=1", "--agent", "--pid", child.pid, socket: agent.path)
        #expect(refused.status == 77)
        #expect(refused.output.contains(": refused: no rule lets"))
        #expect(refused.output.contains("limits = { nofile = 70000, nproc = 1000 }\nlower = true\n"))
        #expect(refused.errorOutput == "")
        let answer = try ToolRun(
            "explain", "nofile=70000", "--agent", "--json", "--pid", child.pid, socket: agent.path
        )
        .object()
        #expect(answer["isAllowed"] as? Bool == false)
        #expect(answer.string("allow")?.hasPrefix("[[allow]]\n") == true)
        #expect(answer.object("refusal").string("code") == "deniedByPolicy")
    }

    @Test("status shows the agent and how it sees the caller")
    func status() throws {
        let agent = try PolicyAgent.agent()
        let tool = try ToolRun("status", socket: agent.path)
        #expect(tool.status == 0)
        for part in ["1.2.3", "6.1.0", "1 rule", "1048576", "uid \(getuid())", agent.path] {
            #expect(tool.output.contains(part))
        }
        let answer = try ToolRun("status", "--json", socket: agent.path).object()
        #expect(answer["reachable"] as? Bool == true && answer["canRaise"] as? Bool == true)
        #expect(answer.object("caller").number("uid") == Int(getuid()))
    }

    @Test(
        "Without an agent the error names the socket",
        arguments: [
            ["status"], ["explain"], ["explain", "nofile=1", "--agent"], ["get", "--agent"], ["usage", "--agent"],
            ["set", "nofile=1000", "--agent"], ["set", "nofile=1000", "--dry-run", "--agent"],
        ])
    func unreachable(arguments: [String]) throws {
        let tool = try ToolRun(running: ToolRun.path, arguments)
        #expect(tool.status == 69)
        #expect(tool.output == "")
        #expect(tool.errorOutput.contains(ToolRun.unusedSocket))
        #expect(tool.errorOutput.filter { $0 == "\n" }.count == 1)
        let answer = try ToolRun(running: ToolRun.path, arguments + ["--json"]).object()
        #expect(answer.object("error").string("code") == "agentUnreachable")
        #expect(answer.object("error").number("exit") == 69)
        if arguments == ["status"] {
            #expect(answer["reachable"] as? Bool == false)
            #expect(answer.string("socket") == ToolRun.unusedSocket)
        }
    }

    @Test("A socket path that is too long is an error and is not truncated")
    func longPath() throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        let tool = try ToolRun("status", "--socket", path)
        #expect(tool.status != 0)
        #expect(tool.errorOutput.contains(path))
    }

    @Test("A socket of another user is not trusted")
    func untrusted() throws {
        let scratch = try Scratch()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scratch.path)
        let agent = try PolicyAgent.agent()
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/s", withDestinationPath: agent.path)
        let tool = try ToolRun("status", "--socket", scratch.path + "/s")
        #expect(tool.status == 69)
    }
}
