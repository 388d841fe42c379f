import Logging
import RlimitKernel

/// Accepts connections from the listening socket, and pauses while the agent has no descriptor for them.
struct ConnectionAcceptor: ~Copyable {
    private let listener: Listener
    private let token: UInt64
    private let log: Logger
    // When the pause ends, which began because no descriptor was free; nil if not paused.
    private var resumesAt: BootInstant?

    static let retryDelay: Duration = .milliseconds(100)

    /// Adds the listening socket to the poller.
    init(_ listener: consuming Listener, _ poller: borrowing Poller, token: UInt64, log: Logger) throws(SystemError) {
        try poller.add(listener.descriptor.number, .readable, token: token)
        self.listener = listener
        self.token = token
        self.log = log
    }

    var isPaused: Bool { resumesAt != nil }

    /// The next connection; nil if none waits, or if it cannot be accepted now.
    mutating func next(_ poller: borrowing Poller, now: BootInstant) -> StreamSocket? {
        do throws(SystemError) { return try listener.accept() } catch {
            // The waiting connection keeps the socket readable, so the poller would report it without end.
            log.warning("cannot accept connections: \(error); trying again in \(Self.retryDelay)")
            watch(false, poller)
            resumesAt = now + Self.retryDelay
            return nil
        }
    }

    /// Ends the pause when it is over.
    mutating func resumeIfDue(_ poller: borrowing Poller, now: BootInstant) {
        guard let moment = resumesAt, now >= moment else { return }
        resumesAt = nil
        watch(true, poller)
    }

    /// Accepts no further connection, and removes the socket's path.
    mutating func stop(_ poller: borrowing Poller) {
        watch(false, poller)
        listener.removePath()
        resumesAt = nil
    }

    private func watch(_ isListening: Bool, _ poller: borrowing Poller) {
        do throws(SystemError) {
            try poller.change(listener.descriptor.number, isListening ? .readable : [], token: token)
        } catch {
            log.error("cannot change the poller's interest in the listener: \(error)")
        }
    }
}
