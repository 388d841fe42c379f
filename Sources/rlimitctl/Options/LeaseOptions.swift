import ArgumentParser

/// Of the commands that raise limits for a time.
struct LeaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take it back after this time, such as 10m; \"rlimitctl leases\" shows it until then.",
            valueName: "time"))
    var lease: String?

    @Flag(help: "Stay in the foreground, and take it back at the end of rlimitctl.")
    var whileConnected = false

    /// Whether it is to be taken back at all.
    var isLease: Bool { lease != nil || whileConnected }

    /// How long; nil is as long as the connection.
    func duration() throws(UsageError) -> Duration? {
        guard let lease else { return nil }
        return try LeaseTime(parsing: lease, for: "--lease").duration
    }

    func validate() throws {
        if lease != nil, whileConnected { throw ValidationError("--lease and --while-connected exclude each other.") }
    }
}
