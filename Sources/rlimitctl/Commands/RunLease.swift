import RlimitClient

/// `run --lease`: limits that the command has until a time, or for as long as it runs.
///
/// By then rlimitctl is the command, and no code of ours is left to give anything back. One with a time is the agent's to
/// end, and it does so before that when it sees the process end. One without lasts as long as the connection, which
/// therefore stays open in the command: the kernel closes it with the last process that has it, whatever ends that.
struct RunLease: Equatable {
    /// What the option has for a value where none was given.
    static let whileRunning = "while-running"

    /// Nil is as long as the command runs.
    let duration: Duration?

    init(parsing text: String) throws(UsageError) {
        duration = text == Self.whileRunning ? nil : try LeaseTime(parsing: text, for: "--lease").duration
    }

    /// Makes edits of rlimitctl itself, which becomes the command.
    func apply(_ edits: [Edit], _ client: BlockingLimitClient) throws(RlimitError) -> [Change] {
        let lease = try client.lease(edits, for: duration)
        if duration == nil, let expires = lease.expires {
            Output.note(
                "the rule has leases renewed, which no command does: this one ends in \(LeaseTime.text(expires - .now))"
            )
        }
        let changes = lease.changes
        _ = lease.keep()
        return changes
    }

    /// Comes last before rlimitctl becomes the command.
    func keepAcrossExec(_ client: BlockingLimitClient) throws(RlimitError) {
        if duration == nil { try client.leaveConnectionOpen() }
    }
}
