import Foundation
import ScriptedAgents
import Testing

@Suite("rlimitctl run")
struct RunTests {
    @Test("The command has the limits, and run exits with its exit status")
    func limits() throws {
        let tool = try ToolRun(
            "run", "nofile=300:600", "core=0", "--", "/bin/sh", "-c", "ulimit -Sn; ulimit -Hn; exit 7")
        #expect(tool.output == "300\n600\n")
        #expect(tool.errorOutput == "")
        #expect(tool.status == 7)
    }

    @Test("The command is found in PATH and replaces rlimitctl in the same process")
    func exec() throws {
        let tool = try ToolRun(running: "/bin/sh", ["-c", "echo $$; exec \(ToolRun.path) run core=0 sh -c 'echo $$'"])
        let lines = tool.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first == lines.last)
    }

    @Test(
        "The arguments of the command are not parsed",
        arguments: [
            ["--json", "--help", "-h", "--version"], ["--", "x"], ["--socket", "/x"], ["a=b", ""],
            ["---", "-=", "--=x"],
            ["--optional"], ["-vvx", "-n5"], ["run", "--generate-completion-script", "bash"],
        ])
    func untouched(arguments: [String]) throws {
        for separator in [[], ["--"]] {
            let command = ["run", "core=0"] + separator + ["/usr/bin/printf", "<%s>"] + arguments
            let tool = try ToolRun(running: ToolRun.path, command)
            #expect(tool.output == arguments.map { "<\($0)>" }.joined())
            #expect(tool.status == 0)
        }
    }

    @Test("Arguments that are not UTF-8 reach the command byte for byte")
    func bytes() throws {
        let script = "\(ToolRun.path) run core=0 printf '%s' \"$(printf 'a\\377\\200b')\" | od -An -tx1"
        #expect(try ToolRun(running: "/bin/sh", ["-c", script]).output == " 61 ff 80 62\n")
    }

    @Test("A missing command exits with 127, one that cannot be executed with 126")
    func noCommand() throws {
        let missing = try ToolRun("run", "core=0", "no-such-command")
        #expect(missing.status == 127)
        #expect(missing.errorOutput == "rlimitctl: cannot run \"no-such-command\": execvp: No such file or directory\n")
        #expect(try ToolRun("run", "core=0", "/etc/passwd").status == 126)
        #expect(try ToolRun("run", "core=0", "/").status == 126)
    }

    @Test(
        "Every failure before the command starts exits with 125",
        arguments: [
            ["run"], ["run", "ls"], ["run", "nofile=1"], ["run", "bogus=1", "true"], ["run", "nofile=10:5", "true"],
            ["run", "--bogus", "nofile=1", "true"], ["run", "nofile=1", "--optional", "true"],
            ["run", "--optional", "nofile=10:5", "true"], ["--json", "run", "nofile=1", "nofile=2", "true"],
        ])
    func own(arguments: [String]) throws {
        let tool = try ToolRun(running: ToolRun.path, arguments)
        #expect(tool.status == 125)
        #expect(tool.errorOutput.hasPrefix("rlimitctl: "))
        #expect(tool.errorOutput.filter { $0 == "\n" }.count == 1)
    }

    @Test("A refused limit ends run; with --optional it prints a message and continues")
    func refused() throws {
        // Above the maximum of fs.nr_open.
        let arguments = ["nofile=2000000000", "core=0", "--", "/bin/sh", "-c", "ulimit -c; echo ran"]
        let tool = try ToolRun(running: ToolRun.path, ["run"] + arguments)
        #expect(tool.status == 125)
        #expect(tool.output == "")
        let optional = try ToolRun(running: ToolRun.path, ["run", "--optional"] + arguments)
        #expect(optional.status == 0)
        #expect(optional.output == "0\nran\n")
        #expect(optional.errorOutput.hasPrefix("rlimitctl: nofile stays as it is: "))
    }

    @Test("A limit above fs.nr_open is refused by the kernel before the agent is asked")
    func ceiling() throws {
        let agent = try PolicyAgent.agent()
        let tool = try ToolRun("run", "--json", "nofile=1000000000", "true", socket: agent.path)
        #expect(tool.status == 125)
        #expect(try tool.object().object("error").string("code") == "aboveSystemCeiling")
    }
}
