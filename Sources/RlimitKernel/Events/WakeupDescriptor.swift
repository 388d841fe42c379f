internal import CRlimitLinux

/// A descriptor that one thread makes readable to wake another. eventfd(2).
package final class WakeupDescriptor: Sendable {
    package let number: Int32

    package init() throws(SystemError) { number = try SystemCall.value("eventfd") { rl_wakeup_open() } }

    deinit { _ = rl_close(number) }

    package func signal() { _ = SystemCall.retrying { rl_wakeup_signal(number) } }

    package func reset() { _ = SystemCall.retrying { rl_wakeup_reset(number) } }
}
