import ArgumentParser
import Glibc
import RlimitModel

/// The command line tool: shows and changes resource limits, by the kernel's leave or the agent's.
@main
struct Rlimitctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rlimitctl",
        abstract: "Show and change the resource limits of running processes.",
        discussion: """
            What the kernel allows is done at once; what it refuses is asked of the agent, rlimitd, \
            which grants what the administrator's policy allows.

            Exit status: 0 done, 1 failed, 64 a command line that makes no sense, 69 no agent \
            answers, 77 refused; "run" passes on its command's own, and 125 where it did not come that far.
            """,
        version: productVersion,
        subcommands: [
            GetCommand.self, SetCommand.self, UsageCommand.self, RunCommand.self, ExplainCommand.self,
            WatchCommand.self, StatusCommand.self, LeasesCommand.self, PolicyCommand.self,
        ])

    @OptionGroup var global: GlobalOptions

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        Glibc.exit(Invocation(words).run())
    }
}
