import RlimitKernel

/// Reads and changes resource limits, of the calling process or of others: through the kernel where it allows that, and
/// through the agent where it does not.
///
/// ```swift
/// let client = BlockingLimitClient()
/// let files = try client.raise(.openFiles, upTo: 1_048_576)
/// if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
/// ```
///
/// `LimitClient` is the same for tasks.
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
    /// Whom a client asks first.
    public typealias Strategy = LimitClient.Strategy

    let sharedConnection: SharedConnection<BlockingConnection>
    private let options: CallOptions

    /// A client of the agent at a socket. Opens nothing.
    ///
    /// - Parameters:
    ///   - socket: Where the agent listens; by default the path in the environment variable `RLIMITD_SOCKET`, or
    ///     `/run/rlimitd/rlimitd.sock`.
    ///   - strategy: Whom to ask first.
    ///   - timeout: How long one call may take in all, connecting included; nil for as long as it takes.
    ///   - busyPolling: How long to poll for an answer before sleeping: 50 microseconds spare an idle machine the time
    ///     that it takes to wake up, for the price of a busy processor meanwhile. Polling that finds nothing is soon left
    ///     off, and on a single processor there is none. Zero never polls.
    public init(
        socket: AgentSocket = .standard, strategy: Strategy = .kernelFirst, timeout: Duration? = .seconds(5),
        busyPolling: Duration = .zero
    ) {
        self.init(SharedConnection(to: socket, busyPolling: busyPolling), CallOptions(strategy, timeout))
    }

    private init(_ sharedConnection: SharedConnection<BlockingConnection>, _ options: CallOptions) {
        self.sharedConnection = sharedConnection
        self.options = options
    }

    /// Where its agent listens.
    public var socket: AgentSocket { sharedConnection.socket }
    /// Whom it asks first.
    public var strategy: Strategy { options.strategy }
    /// How long one call may take in all; nil for as long as it takes.
    public var timeout: Duration? { options.timeout }
    /// How long it polls for an answer before it sleeps; zero where it does not.
    public var busyPolling: Duration { sharedConnection.busyPolling }

    // When a call that begins now must have ended.
    var deadline: MonotonicDeadline { options.deadline }

    /// A copy with its own timeout, on the same connection.
    public func with(timeout: Duration?) -> BlockingLimitClient {
        BlockingLimitClient(sharedConnection, CallOptions(strategy, timeout))
    }

    /// A copy that asks others first, on the same connection.
    public func with(strategy: Strategy) -> BlockingLimitClient {
        BlockingLimitClient(sharedConnection, CallOptions(strategy, timeout))
    }

    /// Closes the connection, once the calls of other threads that are under way have ended; leases that last as long as it
    /// end. The next call that needs the agent makes a new one.
    @available(*, noasync)
    public func close() { sharedConnection.close() }
}
