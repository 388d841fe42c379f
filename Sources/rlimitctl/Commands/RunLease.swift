import RlimitClient

/// The lease of `run --lease`, which outlasts rlimitctl: the command replaces it, so rlimitctl cannot release the
/// lease.
///
/// The agent ends a lease with a time when the time is over or the process ends. A lease without a time lasts as long
/// as the connection. Its descriptor stays open in the command, and the kernel closes the connection with the last
/// process that has it.
struct RunLease: Equatable {
    /// The value of `--lease` that stands for an absent time.
    static let whileRunning = "while-running"

    /// Nil lasts as long as the command.
    let duration: Duration?

    init(parsing text: String) throws(UsageError) {
        duration = text == Self.whileRunning ? nil : try LeaseTime(parsing: text, for: "--lease").duration
    }

    /// Makes leased edits of the limits of rlimitctl itself.
    func apply(_ edits: [Edit], _ client: BlockingLimitClient) throws(RlimitError) -> [Change] {
        let lease = try client.lease(edits, for: duration)
        if duration == nil, let expires = lease.expires {
            Output.note(
                "the rule requires renewals, which a command does not make: this lease ends in \(LeaseTime.text(expires - .now))"
            )
        }
        let changes = lease.changes
        _ = lease.keep()
        return changes
    }

    /// Keeps the descriptor of the connection open across execve(2). Called last before the command replaces rlimitctl.
    func keepAcrossExec(_ client: BlockingLimitClient) throws(RlimitError) {
        if duration == nil { try client.leaveConnectionOpen() }
    }
}
