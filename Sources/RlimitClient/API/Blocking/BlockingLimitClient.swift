import RlimitKernel

/// Reads and changes resource limits of the calling process and of other processes. For threads.
///
/// It asks the kernel if the kernel permits the call, and otherwise the agent. `LimitClient` has the same calls for
/// tasks.
///
/// ```swift
/// let client = BlockingLimitClient()
/// let files = try client.raise(.openFiles, upTo: 1_048_576)
/// if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
/// ```
///
/// A client is a handle. Creating one opens nothing and cannot fail. Copies share one connection. The first call that
/// needs the agent opens it, and a call after a restart of the agent opens it again. Several threads may call at once.
/// After fork(2) the child opens a connection of its own.
///
/// Every call blocks for at most its timeout, and so is not available in asynchronous contexts.
///
/// After `.deadlineExceeded` or `.connectionLost` an edit may have been made. The client never sends a request twice
/// that may have been carried out.
public struct BlockingLimitClient: Sendable {
    /// Whether the kernel or the agent is asked first.
    public typealias Strategy = LimitClient.Strategy

    let sharedConnection: SharedConnection<BlockingConnection>
    private let options: CallOptions

    /// Creates a client of the agent at a socket. Opens nothing.
    ///
    /// - Parameters:
    ///   - socket: The agent's socket; by default the path in the environment variable `RLIMITD_SOCKET`, or
    ///     `/run/rlimitd/rlimitd.sock`.
    ///   - strategy: Whether the kernel or the agent is asked first.
    ///   - timeout: The maximum duration of one call, including the time to connect; nil waits without a limit.
    ///   - busyPolling: The duration for which a call polls for the response before it sleeps; zero never polls. On an
    ///     idle machine, 50 microseconds save the time to wake up, at the cost of processor time. Polling that finds
    ///     nothing soon stops, and there is none on a single processor.
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

    /// The socket of its agent.
    public var socket: AgentSocket { sharedConnection.socket }
    /// Whether the kernel or the agent is asked first.
    public var strategy: Strategy { options.strategy }
    /// The maximum duration of one call; nil waits without a limit.
    public var timeout: Duration? { options.timeout }
    /// The duration for which a call polls for the response before it sleeps; zero if it never polls.
    public var busyPolling: Duration { sharedConnection.busyPolling }

    // The deadline of a call that begins now.
    var deadline: MonotonicDeadline { options.deadline }

    /// Returns a copy with another timeout, on the same connection.
    public func with(timeout: Duration?) -> BlockingLimitClient {
        BlockingLimitClient(sharedConnection, CallOptions(strategy, timeout))
    }

    /// Returns a copy with another strategy, on the same connection.
    public func with(strategy: Strategy) -> BlockingLimitClient {
        BlockingLimitClient(sharedConnection, CallOptions(strategy, timeout))
    }

    /// Closes the connection after the calls in progress have ended. Leases that last as long as the connection end.
    ///
    /// The next call that needs the agent opens a new connection.
    @available(*, noasync)
    public func close() { sharedConnection.close() }
}
