import ArgumentParser
import RlimitPolicyFile

/// `rlimitctl policy`: the commands for policy files.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check policy files.",
        subcommands: [PolicyCheckCommand.self])

    @OptionGroup var global: GlobalOptions
}

/// `rlimitctl policy check`: reads policy files as the agent does, and prints the errors and warnings.
struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a policy file, and print each problem as file:line:column: message.",
        discussion: """
            Without a file, checks the agent's own policy: \(PolicyLoader.standardMain) and its drop-ins. A file is \
            checked together with the folder policy.d beside it; a file in a folder policy.d is checked alone. The exit \
            status is 1 if there is an error.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Treat warnings as errors.")
    var strict = false

    @Argument(help: "The policy file.", completion: .file(extensions: ["toml"]))
    var file: String?

    func run() throws {
        let report = PolicyReport(PolicyFiles(file, isStrict: strict))
        try Output.print(global.json ? report.json.text + "\n" : report.text)
        if report.hasErrors { throw ExitCode(ExitStatus.failed) }
    }
}
