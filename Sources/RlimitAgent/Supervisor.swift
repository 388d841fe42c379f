import RlimitKernel

/// Whoever started the agent and wants to know how it is: systemd, or nobody.
struct Supervisor {
    private let notifier = ServiceNotifier()
    private var alive = Moment.now

    /// How long the loop may sleep without saying that it is alive; nil for ever.
    var interval: Duration? { notifier?.watchdogInterval.map { $0 / 2 } }

    func ready(policy: String) { tell("READY=1\nSTATUS=policy: \(policy)") }
    func stopping() { tell("STOPPING=1") }

    /// For a unit of Type=notify-reload, which wants to know when it began.
    func reloading() { tell("RELOADING=1\nMONOTONIC_USEC=\(SystemClock.monotonic / 1000)") }

    /// The watchdog's heartbeat, when it is due.
    mutating func isAlive(now: Moment) {
        guard let interval, now - alive >= interval else { return }
        alive = now
        tell("WATCHDOG=1")
    }

    // Nobody who is not there can be told; the agent serves all the same.
    private func tell(_ assignments: String) { try? notifier?.notify(assignments) }
}
