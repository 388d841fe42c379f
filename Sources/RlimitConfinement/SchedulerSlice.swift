internal import CRlimitLinux
internal import RlimitKernel

/// How long a thread runs before others, who want the same processor, have their turn: a processor is shared out alike
/// whatever it is, but a thread with a shorter one than another's need not wait for the end of the other's. EEVDF.
package enum SchedulerSlice {
    /// Asks for one of the calling thread's own; threads that it starts have the usual one. Without effect before Linux 6.12,
    /// and where the thread has a policy of its own that knows none. sched_setattr(2).
    package static func request(_ duration: Duration) { _ = rl_set_time_slice(duration.nanoseconds) }

    /// The calling thread's; nil where the kernel does not say. sched_getattr(2).
    package static var current: Duration? {
        var nanoseconds: UInt64 = 0
        guard unsafe rl_time_slice(&nanoseconds) == 0, nanoseconds > 0 else { return nil }
        return .nanoseconds(Int64(clamping: nanoseconds))
    }
}
