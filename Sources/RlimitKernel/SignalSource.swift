internal import CRlimitLinux
internal import Glibc

/// Signals as something to read: blocked, so that none interrupts anything, and handed out one by one. signalfd(2).
package struct SignalSource: ~Copyable {
    package let descriptor: FileDescriptor

    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
    package static let hangUp = SIGHUP

    /// Blocks the signals for this thread and those it starts, so it comes before any thread does. pthread_sigmask(3).
    package init(_ signals: [Int32] = [terminate, interrupt, hangUp]) throws(SystemError) {
        try SystemCall.value("pthread_sigmask") { unsafe rl_signal_block(signals, signals.count, 1) }
        descriptor = FileDescriptor(
            owning: try SystemCall.value("signalfd") { unsafe rl_signal_descriptor(signals, signals.count) })
    }

    /// The next signal that came; nil where none did.
    package func next() throws(SystemError) -> Int32? {
        try SystemCall.valueIfReady("read") { rl_signal_next(descriptor.number) }
    }
}
