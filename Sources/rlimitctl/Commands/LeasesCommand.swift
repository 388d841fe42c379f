import ArgumentParser
import RlimitClient

/// `rlimitctl leases`: the commands for leases.
struct LeasesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases",
        abstract: "Show, release or renew leases.",
        discussion: """
            Without a subcommand, shows your leases, or all leases if a rule allows you "lease_list". A lease that lasts \
            as long as a connection (set --while-connected, or run --lease without a time) is shown only to the process \
            that holds it, and to callers who see all leases.
            """,
        subcommands: [LeaseListCommand.self, LeaseReleaseCommand.self, LeaseRenewCommand.self],
        defaultSubcommand: LeaseListCommand.self)

    @OptionGroup var global: GlobalOptions
}

/// `rlimitctl leases list`, the default subcommand.
struct LeaseListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show leases.")

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
        commandName: "release", abstract: "End a lease now, and show what became of each limit.")

    @OptionGroup var global: GlobalOptions

    @OptionGroup var lease: LeaseArgument

    func run() throws {
        try Output.print(try global.client(agentOnly: true).release(lease.parsedID()), asJSON: global.json)
    }
}

/// `rlimitctl leases renew ID TIME`: sets the end of a lease, counted from now.
struct LeaseRenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Let a lease end after this time from now.")

    @OptionGroup var global: GlobalOptions

    @OptionGroup var lease: LeaseArgument

    @Argument(help: ArgumentHelp("The time, such as 30s, 10m, 1h or 7d.", valueName: "time"))
    var time: String

    func run() throws {
        let duration = try LeaseTime(parsing: time, for: "leases renew").duration
        let renewed = try global.client(agentOnly: true).renew(lease.parsedID(), for: duration)
        if global.json { return try Output.print(renewed.json) }
        try Output.print("lease \(renewed.id)  \(LeaseTime.ending(in: renewed.remaining))\n")
    }
}

/// The argument that names a lease.
struct LeaseArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The id, as \"rlimitctl leases\" shows it.", valueName: "id"))
    var id: String

    func parsedID() throws(UsageError) -> LeaseInfo.ID {
        guard let parsed = LeaseInfo.ID(id) else {
            throw UsageError("\"\(id.forTerminal)\" is not the id of a lease; \"rlimitctl leases\" shows the ids")
        }
        return parsed
    }
}
