internal import CRlimitLinux
internal import RlimitKernel

/// The time slice that the EEVDF scheduler gives a thread. It does not change the thread's share of a processor, but a
/// thread with a shorter slice runs before a thread with a longer slice has used that up.
package enum SchedulerSlice {
    /// Sets the slice of the calling thread. Threads that it starts keep the default. No effect before Linux 6.12 and
    /// with scheduling policies other than SCHED_OTHER and SCHED_BATCH. sched_setattr(2).
    package static func request(_ duration: Duration) { _ = rl_set_time_slice(duration.nanoseconds) }

    /// The slice of the calling thread. nil if the kernel does not report it (before Linux 6.12). sched_getattr(2).
    package static var current: Duration? {
        var nanoseconds: UInt64 = 0
        guard unsafe rl_time_slice(&nanoseconds) == 0, nanoseconds > 0 else { return nil }
        return .nanoseconds(Int64(clamping: nanoseconds))
    }
}
