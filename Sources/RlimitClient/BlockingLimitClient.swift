/// Reads and changes resource limits, of the calling process or of others: through the kernel where it allows that, and
/// through the agent where it does not.
///
/// ```swift
/// let client = BlockingLimitClient()
/// let files = try client.raise(.openFiles, upTo: 1_048_576)
/// if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
/// ```
///
/// A client is a handle: making one opens nothing and cannot fail. Copies share one connection, which the first call that
/// needs the agent makes, and which is made again when the agent was restarted. Several threads may call at once. After
/// fork(2) the child makes a connection of its own.
///
/// Every call blocks for at most its timeout, and so is not available in asynchronous contexts.
///
/// After `.deadlineExceeded` or `.connectionLost` an edit may have been made: nothing is ever sent twice that may have
/// been carried out.
public struct BlockingLimitClient: Sendable {
    let link: AgentLink
    /// Whom it asks first.
    public let strategy: Strategy
    /// How long one call may take in all; nil for as long as it takes.
    public let timeout: Duration?

    /// Whom a client asks first.
    @nonexhaustive
    public enum Strategy: Hashable, Sendable {
        /// The kernel, and the agent for what the kernel refuses.
        case kernelFirst
        /// The agent alone.
        case agentOnly
    }

    /// A client of the agent at a socket. Opens nothing.
    ///
    /// - Parameters:
    ///   - socket: Where the agent listens; by default the path in the environment variable `RLIMITD_SOCKET`, or
    ///     `/run/rlimitd/rlimitd.sock`.
    ///   - strategy: Whom to ask first.
    ///   - timeout: How long one call may take in all, connecting included; nil for as long as it takes.
    public init(
        socket: AgentSocket = .standard, strategy: Strategy = .kernelFirst, timeout: Duration? = .seconds(5)
    ) {
        self.init(link: AgentLink(to: socket), strategy: strategy, timeout: timeout)
    }

    private init(link: AgentLink, strategy: Strategy, timeout: Duration?) {
        self.link = link
        self.strategy = strategy
        self.timeout = timeout
    }

    /// Where its agent listens.
    public var socket: AgentSocket { link.socket }

    /// A copy with its own timeout, on the same connection.
    public func with(timeout: Duration?) -> BlockingLimitClient {
        BlockingLimitClient(link: link, strategy: strategy, timeout: timeout)
    }

    /// A copy that asks others first, on the same connection.
    public func with(strategy: Strategy) -> BlockingLimitClient {
        BlockingLimitClient(link: link, strategy: strategy, timeout: timeout)
    }

    /// Closes the connection, once the calls of other threads that are under way have ended. The next call that needs the
    /// agent makes a new one.
    @available(*, noasync)
    public func close() { link.close() }
}
