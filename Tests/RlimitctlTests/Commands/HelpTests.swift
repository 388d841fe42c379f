import Foundation
import RlimitModel
import Testing

@Suite("rlimitctl's help")
struct HelpTests {
    @Test(
        "Every command prints its help on standard output",
        arguments: ["get", "set", "usage", "run", "explain", "watch", "status", "leases", "policy"])
    func help(command: String) throws {
        let tool = try ToolRun(command, "--help")
        #expect(tool.status == 0)
        #expect(tool.output.contains("USAGE: rlimitctl \(command)"))
        #expect(tool.errorOutput == "")
        #expect(try ToolRun("help", command).output == tool.output)
    }

    @Test("Without arguments the help is printed")
    func nothing() throws {
        let tool = try ToolRun()
        #expect(tool.status == 0)
        #expect(tool.output.contains("SUBCOMMANDS"))
    }

    @Test("--version prints the version")
    func version() throws {
        #expect(try ToolRun("--version").output == "\(productVersion)\n")
    }

    @Test("Completion scripts contain commands, options and resources", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let tool = try ToolRun("--generate-completion-script", shell)
        #expect(tool.status == 0)
        for name in ["explain", "as-user", "memlock", "nofile="] { #expect(tool.output.contains(name)) }
    }

    @Test("A full disk is a failure")
    func fullDisk() throws {
        let tool = try ToolRun(running: "/bin/sh", ["-c", "\(ToolRun.path) get --pid $$ > /dev/full; echo $?"])
        #expect(tool.output == "1\n")
        #expect(tool.errorOutput.contains("No space left on device"))
    }
}
