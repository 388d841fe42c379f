internal import CRlimitLinux

/// Readable from a moment on, also where the machine slept meanwhile. timerfd_create(2), CLOCK_BOOTTIME.
package struct BootTimer: ~Copyable {
    package let descriptor: FileDescriptor

    package init() throws(SystemError) {
        descriptor = FileDescriptor(owning: try SystemCall.value("timerfd_create") { rl_timer_open() })
    }

    /// From `moment` on, and not before it even if it was readable; nil: never. timerfd_settime(2).
    package func set(_ moment: BootInstant?) throws(SystemError) {
        // 0 would be never.
        let nanoseconds = moment.map { max(1, $0.nanoseconds) } ?? 0
        try SystemCall.value("timerfd_settime") { rl_timer_set(descriptor.number, nanoseconds) }
    }
}
