import Logging
import RlimitKernel

/// Logs connections that were closed because the kernel did not identify the peer: at most one line in ten seconds, with
/// the number of connections since the previous line.
struct UnidentifiedPeers {
    private var unlogged = 0
    private var lastLineAt: BootInstant?

    private static let interval: Duration = .seconds(10)

    /// - Parameter error: Why the peer was not identified. A peer that has ended is no fault of the configuration.
    mutating func record(_ error: SystemError, now: BootInstant, _ log: Logger) {
        guard error.cause == .notPermitted || error.cause == .noAccess else {
            return log.debug("closed a connection because the kernel does not identify the peer: \(error)")
        }
        unlogged += 1
        if let lastLineAt, now - lastLineAt < Self.interval { return }
        lastLineAt = now
        log.warning(
            """
            closed \(unlogged == 1 ? "a connection" : "\(unlogged) connections") because the agent cannot know the peer's \
            ids: \(error); start rlimitd in the initial user namespace
            """)
        unlogged = 0
    }
}
