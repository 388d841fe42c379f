internal import CRlimitLinux
internal import Glibc

/// Signals as something to read: blocked, so that none interrupts anything, and handed out one by one. signalfd(2).
package struct SignalSource: ~Copyable {
    package let descriptor: FileDescriptor

    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
    package static let hangUp = SIGHUP
    package static let quit = SIGQUIT
    /// The window of the terminal has another size.
    package static let windowChange = SIGWINCH
    /// Ctrl-Z at the terminal, and what goes on after it.
    package static let suspend = SIGTSTP
    package static let resume = SIGCONT

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

    /// Sends this process one of its signals past this source, so that it does what it does where nobody waits for it: ends
    /// it or stops it. Returns where it did not. kill(2).
    package func raiseWithDefaultAction(_ signal: Int32) {
        _ = unsafe rl_signal_block([signal], 1, 0)
        _ = rl_signal_raise(signal)
        _ = unsafe rl_signal_block([signal], 1, 1)
    }
}
