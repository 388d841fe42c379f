import ArgumentParser

/// Options of `set` for a lease.
struct LeaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Restore the limits after this time, such as 30s, 10m, 1h or 7d; "rlimitctl leases" shows the lease until \
            then.
            """,
            valueName: "time"))
    var lease: String?

    @Flag(help: "Stay in the foreground, and restore the limits when rlimitctl ends.")
    var whileConnected = false

    /// Whether either option is given.
    var isLease: Bool { lease != nil || whileConnected }

    /// The duration of the lease; nil lasts as long as the connection.
    func duration() throws(UsageError) -> Duration? {
        guard let lease else { return nil }
        return try LeaseTime(parsing: lease, for: "--lease").duration
    }

    func validate() throws {
        if lease != nil, whileConnected { throw ValidationError("--lease and --while-connected exclude each other.") }
    }
}
