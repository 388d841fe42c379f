import RlimitConfinement
import RlimitKernel

/// Whoever started the agent and wants to know how it is: systemd, or nobody.
struct ServiceManager {
    private let notifier = ServiceNotifier()
    private var lastPingAt = BootInstant.now

    /// How long the loop may sleep without saying that it is alive; nil for ever.
    var watchdogPingInterval: Duration? { notifier?.watchdogInterval.map { $0 / 2 } }

    func notifyReady(policy: String) { notify("READY=1\nSTATUS=policy: \(policy)") }
    func notifyStopping() { notify("STOPPING=1") }

    /// For a unit of Type=notify-reload, which wants to know when it began.
    func notifyReloading() { notify("RELOADING=1\nMONOTONIC_USEC=\(SystemClock.monotonic / 1000)") }

    /// The watchdog's heartbeat, when it is due.
    mutating func pingWatchdog(now: BootInstant) {
        guard let watchdogPingInterval, now - lastPingAt >= watchdogPingInterval else { return }
        lastPingAt = now
        notify("WATCHDOG=1")
    }

    // Nobody who is not there can be told; the agent serves all the same.
    private func notify(_ assignments: String) { try? notifier?.notify(assignments) }
}
