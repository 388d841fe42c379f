import ArgumentParser
import RlimitClient

/// `rlimitctl leases`: the leases that one has, and what can be done with them.
struct LeasesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases",
        abstract: "Show leases, end them, or let them last longer.",
        discussion: """
            Without more, a table of your own leases, or of everyone's where a rule lets you see them ("lease_list").
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
        if leases.isEmpty { return Output.note("there are no leases") }
        try Output.print(leases.table)
    }
}

/// `rlimitctl leases release ID`: ends a lease now.
struct LeaseReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "End a lease now, and say what came of it.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("As \"rlimitctl leases\" shows it.", valueName: "id"))
    var id: String

    func run() throws {
        let id = try LeaseInfo.ID(word: id)
        try Output.print(try global.client(agentOnly: true).release(id), asJSON: global.json)
    }
}

/// `rlimitctl leases renew ID TIME`: another end for a lease, counted from now.
struct LeaseRenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Let a lease last this long from now.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("As \"rlimitctl leases\" shows it.", valueName: "id"))
    var id: String

    @Argument(help: ArgumentHelp("Such as 30s, 10m, 1h or 7d.", valueName: "time"))
    var time: String

    func run() throws {
        let id = try LeaseInfo.ID(word: id)
        let duration = try LeaseTime(parsing: time, for: "leases renew").duration
        let lease = try global.client(agentOnly: true).renew(id, for: duration)
        if global.json { return try Output.print(lease.json) }
        try Output.print("lease \(lease.id)  \(LeaseTime.ending(in: lease.remaining))\n")
    }
}

extension LeaseInfo.ID {
    fileprivate init(word: String) throws(UsageError) {
        guard let id = LeaseInfo.ID(word) else {
            throw UsageError("\"\(word.forTerminal)\" names no lease; \"rlimitctl leases\" shows what does")
        }
        self = id
    }
}
