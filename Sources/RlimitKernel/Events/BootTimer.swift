internal import CRlimitLinux

/// A descriptor that becomes readable at a given time, even if the machine was suspended. timerfd_create(2),
/// CLOCK_BOOTTIME.
package struct BootTimer: ~Copyable {
    package let descriptor: FileDescriptor

    package init() throws(SystemError) {
        descriptor = FileDescriptor(owning: try SystemCall.value("timerfd_create") { rl_timer_open() })
    }

    /// Sets the time, and clears an expiration that was not read. nil disarms the timer. timerfd_settime(2).
    package func set(_ moment: BootInstant?) throws(SystemError) {
        // 0 would disarm the timer.
        let nanoseconds = moment.map { max(1, $0.nanoseconds) } ?? 0
        try SystemCall.value("timerfd_settime") { rl_timer_set(descriptor.number, nanoseconds) }
    }
}
