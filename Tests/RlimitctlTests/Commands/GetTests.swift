import Foundation
import RlimitModel
import ScriptedAgents
import Testing

@Suite("rlimitctl get")
struct GetTests {
    @Test("The table has the named resources in order, with units")
    func table() throws {
        let child = try SpawnedChild(limits: ["-n 700", "-S -c 512"])
        let tool = try ToolRun("get", "nofile", "RLIMIT_CORE", "--pid", child.pid)
        #expect(tool.status == 0)
        #expect(tool.errorOutput == "")
        let lines = tool.output.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        #expect(lines.first == ["RESOURCE", "DESCRIPTION", "SOFT", "HARD", "USED", "UNITS"])
        #expect(
            lines.dropFirst().first?.first == "nofile" && lines.dropFirst().first?.last == "files",
            "in the order of the arguments")
        #expect(lines.count == 3)
        #expect(!tool.output.contains("\u{1b}"))
    }

    @Test("Without names, all sixteen resources are shown with the limits and usage in /proc")
    func all() throws {
        let child = try SpawnedChild(limits: ["-n 700", "-S -s 1024"])
        let limits = try ToolRun("get", "--json", "--pid", child.pid).object().object("limits")
        #expect(Set(limits.keys) == Set(Resource.allCases.map(\.name)))
        let files = limits.object("nofile"), stack = limits.object("stack")
        #expect(try child.shown("Max open files") == ["700", "700"])
        #expect(files.number("soft") == 700 && files.number("hard") == 700 && files.string("unit") == "count")
        // At least standard input, output and error.
        #expect((files.number("used") ?? 0) >= 3)
        #expect(stack.number("soft") == 1 << 20 && stack.string("unit") == "bytes")
        #expect(limits.object("locks").isNull("used"))
    }

    @Test("JSON has \"unlimited\" and the process")
    func unlimited() throws {
        let child = try SpawnedChild(limits: ["-S -f unlimited"])
        let answer = try ToolRun("--json", "get", "fsize", "--pid", child.pid).object()
        #expect(answer.number("pid") == Int(child.number))
        #expect(answer.string("command") == "sleep")
        #expect(answer.object("limits").object("fsize").string("soft") == "unlimited")
    }

    @Test("Without --pid, the parent process is shown")
    func parent() throws {
        let tool = try ToolRun(
            running: "/bin/sh", ["-c", "ulimit -n 321; echo $$; \(ToolRun.path) get nofile --json; true"])
        let lines = tool.output.split(separator: "\n")
        #expect(lines.count == 2)
        let answer = try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any] ?? [:]
        #expect(answer.number("pid") == Int(lines[0]))
        #expect(answer.object("limits").object("nofile").number("soft") == 321)
    }

    @Test("Under sudo, --pid is required")
    func sudo() throws {
        let tool = try ToolRun("get", environment: ["SUDO_UID": "1000"])
        #expect(tool.status == 64)
        #expect(tool.errorOutput.hasPrefix("rlimitctl: "))
        #expect(tool.errorOutput.hasSuffix("select a process, for example with --pid $$\n"))
        let child = try SpawnedChild()
        #expect(try ToolRun("get", "--pid", child.pid, environment: ["SUDO_UID": "1000"]).status == 0)
    }

    @Test("A process that has ended is an error")
    func gone() throws {
        let child = try SpawnedChild()
        child.end()
        for command in ["get", "usage"] {
            let tool = try ToolRun(command, "--pid", child.pid)
            #expect(tool.status == 1)
            #expect(tool.errorOutput.contains("no such process"))
        }
        #expect(try ToolRun("set", "core=0", "--pid", child.pid).status == 1)
        #expect(try ToolRun("get", "--pid", "4194305").status == 1)
    }

    @Test("Control characters in a command name are escaped")
    func hostileName() throws {
        let child = try SpawnedChild(name: "\u{1b}[31m\n\"\\")
        let tool = try ToolRun("set", "core=0", "--pid", child.pid)
        #expect(tool.status == 0)
        #expect(tool.output.filter { $0 == "\n" }.count == 1)
        #expect(!tool.output.unicodeScalars.contains("\u{1b}"))
        #expect(try ToolRun("get", "--json", "--pid", child.pid).object().string("command")?.contains("31m") == true)
    }

    @Test("With --agent the agent answers")
    func agentOnly() throws {
        let child = try SpawnedChild()
        let agent = try ScriptedAgent.answering { request in
            switch request.operation {
            case .get: .success(.limits(.all, Limits(repeating: Limit(soft: 7, hard: 11))))
            case .usage: .success(.usage(Usage()))
            default: .failure(RlimitError(.unsupported))
            }
        }
        let answer = try ToolRun("get", "nofile", "--json", "--agent", "--pid", child.pid, socket: agent.path)
            .object()
        #expect(answer.object("limits").object("nofile").number("hard") == 11)
        // --socket takes precedence over the environment.
        let tool = try ToolRun("get", "nofile", "--agent", "--socket", agent.path, "--pid", child.pid)
        #expect(tool.status == 0)
        #expect(tool.output.contains("11"))
    }
}
