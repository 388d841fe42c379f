import ArgumentParser

/// `rlimitctl policy`: what is done with policy files.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Look at policy files.",
        subcommands: [PolicyCheckCommand.self])

    @OptionGroup var global: GlobalOptions
}
