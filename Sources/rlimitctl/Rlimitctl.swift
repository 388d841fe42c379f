import ArgumentParser
import Glibc
import RlimitKernel
import RlimitModel

/// The command line tool: shows and changes resource limits, through the kernel or through the agent.
@main
struct Rlimitctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rlimitctl",
        abstract: "Show and change the resource limits of running processes.",
        discussion: """
            rlimitctl asks the kernel first. What the kernel refuses, it requests from the agent, rlimitd, which grants \
            what the administrator's policy allows.

            Exit status: 0 success, 1 failure, 64 invalid command line, 69 no agent answers, 77 refused by the policy or \
            the kernel. "run" exits with the status of its command, or with 125, 126 or 127 if the command did not start.
            """,
        version: productVersion,
        subcommands: [
            GetCommand.self, SetCommand.self, UsageCommand.self, RunCommand.self, ExplainCommand.self,
            WatchCommand.self, StatusCommand.self, LeasesCommand.self, PolicyCommand.self,
        ])

    @OptionGroup var global: GlobalOptions

    static func main() {
        // Otherwise the connection to the agent could get the number of a standard stream.
        OwnProcess.occupyStandardStreams()
        let arguments = Array(CommandLine.arguments.dropFirst())
        Glibc.exit(Invocation(arguments).run())
    }
}
