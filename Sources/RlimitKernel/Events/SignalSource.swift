internal import CRlimitLinux
internal import Glibc

/// Signals that are read from a descriptor. They are blocked, so that they interrupt nothing. signalfd(2).
package struct SignalSource: ~Copyable {
    package let descriptor: FileDescriptor

    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
    package static let hangUp = SIGHUP
    package static let quit = SIGQUIT
    /// The size of the terminal window changed.
    package static let windowChange = SIGWINCH
    /// Ctrl-Z at the terminal, and the continuation after it.
    package static let suspend = SIGTSTP
    package static let resume = SIGCONT

    /// Blocks the signals in this thread and in those it starts later. Call it before any other thread starts.
    /// pthread_sigmask(3).
    package init(_ signals: [Int32] = [terminate, interrupt, hangUp]) throws(SystemError) {
        try SystemCall.value("pthread_sigmask") { unsafe rl_signal_block(signals, signals.count, 1) }
        descriptor = FileDescriptor(
            owning: try SystemCall.value("signalfd") { unsafe rl_signal_descriptor(signals, signals.count) })
    }

    /// The next pending signal. nil if there is none.
    package func next() throws(SystemError) -> Int32? {
        try SystemCall.valueIfReady("read") { rl_signal_next(descriptor.number) }
    }

    /// Sends a signal to this process with the signal unblocked, so that its default action ends or stops the process.
    /// Returns after a stop, or if the signal had no effect. kill(2).
    package func raiseWithDefaultAction(_ signal: Int32) {
        _ = unsafe rl_signal_block([signal], 1, 0)
        _ = rl_signal_raise(signal)
        _ = unsafe rl_signal_block([signal], 1, 1)
    }
}
