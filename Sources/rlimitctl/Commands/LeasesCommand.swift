import ArgumentParser
import RlimitClient

/// `rlimitctl leases`: the leases that one has, and what can be done with them.
struct LeasesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases",
        abstract: "Show leases, end them, or let them last longer.",
        discussion: """
            Without more, a table of your own leases, or of everyone's where a rule lets you see them ("lease_list"). One \
            that lasts as long as a connection (set --while-connected, run --lease without a time) is shown to \
            the process that has it, and to those who see everyone's.
            """,
        subcommands: [LeaseListCommand.self, LeaseReleaseCommand.self, LeaseRenewCommand.self],
        defaultSubcommand: LeaseListCommand.self)

    @OptionGroup var global: GlobalOptions
}

/// `rlimitctl leases list`, which is also what `leases` alone does.
struct LeaseListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show leases (the default).")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let leases = try global.client(agentOnly: true).leases()
        if global.json { return try Output.print(.object([("leases", .array(leases.map(\.json)))])) }
        if leases.isEmpty { return Output.note("there are no leases that you may see") }
        try Output.print(leases.table)
    }
}

/// `rlimitctl leases release ID`: ends a lease now.
struct LeaseReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "End a lease now, and say what came of it.")

    @OptionGroup var global: GlobalOptions

    @OptionGroup var lease: LeaseArgument

    func run() throws {
        try Output.print(try global.client(agentOnly: true).release(lease.id()), asJSON: global.json)
    }
}

/// `rlimitctl leases renew ID TIME`: another end for a lease, counted from now.
struct LeaseRenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Let a lease last this long from now.")

    @OptionGroup var global: GlobalOptions

    @OptionGroup var lease: LeaseArgument

    @Argument(help: ArgumentHelp("Such as 30s, 10m, 1h or 7d.", valueName: "time"))
    var time: String

    func run() throws {
        let duration = try LeaseTime(parsing: time, for: "leases renew").duration
        let renewed = try global.client(agentOnly: true).renew(lease.id(), for: duration)
        if global.json { return try Output.print(renewed.json) }
        try Output.print("lease \(renewed.id)  \(LeaseTime.ending(in: renewed.remaining))\n")
    }
}

/// Which lease.
struct LeaseArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("As \"rlimitctl leases\" shows it.", valueName: "id"))
    var word: String

    func id() throws(UsageError) -> LeaseInfo.ID {
        guard let id = LeaseInfo.ID(word) else {
            throw UsageError("\"\(word.forTerminal)\" names no lease; \"rlimitctl leases\" shows what does")
        }
        return id
    }
}
