import ArgumentParser
import RlimitPolicyFile

/// `rlimitctl policy`: what is done with policy files.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Look at policy files.",
        subcommands: [PolicyCheckCommand.self])

    @OptionGroup var global: GlobalOptions
}

/// `rlimitctl policy check`: reads policy files as the agent would, and says what is wrong with them.
struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with a policy file, as file:line:column: message.",
        discussion: """
            Without FILE the agent's own are checked: \(PolicyLoader.standardMain) and its drop-ins. \
            A FILE is checked with its own drop-ins, policy.d beside it; one that is in a policy.d itself is checked alone.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Take warnings for errors.")
    var strict = false

    @Argument(help: "The policy file.", completion: .file(extensions: ["toml"]))
    var file: String?

    func run() throws {
        let report = PolicyReport(PolicyFiles(file, isStrict: strict))
        try Output.print(global.json ? report.json.text + "\n" : report.text)
        if report.hasErrors { throw ExitCode(ExitStatus.failed) }
    }
}
