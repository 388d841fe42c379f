import RlimitConfinement
import RlimitKernel

/// Notifies systemd of the agent's state, if systemd started the agent.
struct ServiceManager {
    private let notifier = ServiceNotifier()
    private var lastPingAt = BootInstant.now

    /// The maximum time between two pings of the watchdog; nil for no limit.
    var watchdogPingInterval: Duration? { notifier?.watchdogInterval.map { $0 / 2 } }

    func notifyReady(policy: String) { notify("READY=1\nSTATUS=policy: \(policy)") }
    func notifyStopping() { notify("STOPPING=1") }

    /// For a unit of Type=notify-reload, which requires the time at which the reload began.
    func notifyReloading() { notify("RELOADING=1\nMONOTONIC_USEC=\(SystemClock.monotonic / 1000)") }

    /// Pings the watchdog, if that is due.
    mutating func pingWatchdog(now: BootInstant) {
        guard let watchdogPingInterval, now - lastPingAt >= watchdogPingInterval else { return }
        lastPingAt = now
        notify("WATCHDOG=1")
    }

    // The agent serves also if the notification fails.
    private func notify(_ assignments: String) { try? notifier?.notify(assignments) }
}
