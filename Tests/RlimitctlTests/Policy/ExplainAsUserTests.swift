import Glibc
import Testing

@Suite("rlimitctl explain --as-user")
struct ExplainAsUserTests {
    @Test("Without edits, the maximum that the rules allow a user is shown without an agent")
    func overview() throws {
        let scratch = try Scratch()
        let file = try scratch.write(SamplePolicy.text, to: "policy.toml")
        let tool = try ToolRun("explain", "--as-user", "bin", "--policy", file)
        #expect(tool.status == 0)
        let lines = tool.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.first == ["RESOURCE", "NOW", "MAX-ALLOWED", "RULE"])
        #expect(lines.contains(["nofile", "-", "65536:65536", "files", "for", "all"]))
        #expect(lines.contains(["memlock", "-", "1", "GiB:1", "GiB", "files", "for", "all"]))
        #expect(lines.contains(["nproc", "-", "-", "-"]))
        let daemon = try ToolRun("explain", "--as-user", "daemon", "--policy", file)
        #expect(daemon.output.contains("8192:8192"))
        let root = try ToolRun("explain", "--as-user", "0", "--policy", file, "--json").object()
        #expect(root.string("user") == "root")
    }

    @Test("With edits, the deciding rule and the reason are shown")
    func decision() throws {
        let scratch = try Scratch()
        let file = try scratch.write(SamplePolicy.text, to: "policy.toml")
        let granted = try ToolRun("explain", "--as-user", "bin", "--policy", file, "nofile=65536")
        #expect(granted.status == 0)
        #expect(granted.output == "nofile 65536:65536: granted by rule \"files for all\"\n")
        let denied = try ToolRun("explain", "--as-user", "daemon", "--policy", file, "nofile=65536")
        #expect(denied.status == 77)
        #expect(denied.output.contains("rule \"no more than 8k for daemon\" refuses"))
        let none = try ToolRun("explain", "--as-user", "bin", "--policy", file, "core=unlimited")
        #expect(none.status == 77)
        #expect(none.output == "core: refused: no rule lets uid 2 raise core to unlimited\n")
        let most = try ToolRun("explain", "--as-user", "bin", "--policy", file, "nofile=max", "--json").object()
        #expect(most.objects("verdicts").first?.object("new").number("hard") == 65536)
        #expect(try ToolRun("explain", "--as-user", "bin", "--policy", file, "nofile=hard").status == 64)
    }

    @Test("--pid explains that process")
    func process() throws {
        let scratch = try Scratch(), child = try SpawnedChild(limits: ["-n 700"])
        let file = try scratch.write(SamplePolicy.text, to: "policy.toml")
        let arguments = ["explain", "--policy", file, "--pid", child.pid, "nofile=5000", "--as-user"]
        let own = try ToolRun(running: ToolRun.path, arguments + ["\(getuid())"])
        let isRoot = getuid() == 0
        #expect(own.status == (isRoot ? 77 : 0), "a rule must name root to change a process of root")
        #expect(own.output.hasPrefix("nofile 700:700"))
        #expect(own.output.contains("sleep (pid \(child.pid))"))
        let other = try ToolRun(running: ToolRun.path, arguments + [getuid() == 2 ? "sys" : "bin"])
        #expect(other.status == 77)
        #expect(other.output.contains("refused: no rule lets"))
    }

    @Test("A rule that requires a lease is explained with the agent's message, and policy check does not warn about it")
    func leased() throws {
        let scratch = try Scratch()
        let rule = "[[allow]]\nname = \"for a while\"\ncaller.users = [\"bin\"]\nlimits.nofile = 9000\n"
        let file = try scratch.write(
            "version = 1\n\(rule)lease = { max = \"1h\", required = true }\n", to: "policy.toml")
        let restriction = "but only with a lease of at most 3600 s"
        let tool = try ToolRun("explain", "--as-user", "bin", "--policy", file, "nofile=5000")
        #expect(tool.status == 77)
        #expect(
            tool.output == "nofile: refused: rule \"for a while\" lets uid 2 raise nofile to 5000, \(restriction)\n")
        let more = try ToolRun("explain", "--as-user", "bin", "--policy", file, "nofile=50000")
        #expect(more.output == "nofile: refused: no rule lets uid 2 raise nofile to 50000\n")
        let check = try ToolRun("policy", "check", file)
        #expect(check.status == 0)
        #expect(!check.output.contains("warning"), "\(check.output)")
    }

    @Test("An invalid policy is an error")
    func badPolicy() throws {
        let scratch = try Scratch()
        let file = try scratch.write("version = 2\n", to: "policy.toml")
        let tool = try ToolRun("explain", "--as-user", "bin", "--policy", file)
        #expect(tool.status == 1)
        #expect(tool.errorOutput.hasPrefix("rlimitctl: \(file):1:"))
    }
}
