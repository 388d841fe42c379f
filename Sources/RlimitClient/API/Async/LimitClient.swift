import RlimitKernel

/// Reads and changes resource limits of the calling process and of other processes. For tasks.
///
/// It asks the kernel if the kernel permits the call, and otherwise the agent. `BlockingLimitClient` has the same calls
/// for threads.
///
/// ```swift
/// let client = LimitClient()
/// let files = try await client.raise(.openFiles, upTo: 1_048_576)
/// if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
/// ```
///
/// A client is a handle. Creating one opens nothing and cannot fail. Copies share one connection. The first call that
/// needs the agent opens it, and a call after a restart of the agent opens it again. Any number of tasks may call at
/// once. Their requests do not wait for each other's responses, up to 128 in flight, and the responses arrive in any
/// order.
///
/// No call blocks a thread while it waits for the agent: one thread of the process waits for all clients. A call throws
/// `.cancelled` as soon as its task is cancelled, and `.deadlineExceeded` at its timeout; a later response is ignored.
/// After either error, and after `.connectionLost`, an edit may have been made. The client never sends a request twice
/// that may have been carried out.
///
/// A child after fork(2) cannot run tasks if tasks were running in its parent. Otherwise it opens a connection of its
/// own.
public struct LimitClient: Sendable {
    /// Whether the kernel or the agent is asked first.
    @nonexhaustive
    public enum Strategy: Hashable, Sendable {
        /// The kernel is asked first, and the agent if the kernel refuses.
        case kernelFirst
        /// Only the agent is asked.
        case agentOnly
    }

    let sharedConnection: SharedConnection<AsyncConnection>
    let renewer: LeaseRenewer
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
        self.init(LeaseRenewer(SharedConnection(to: socket, busyPolling: busyPolling)), CallOptions(strategy, timeout))
    }

    init(_ renewer: LeaseRenewer, _ options: CallOptions) {
        sharedConnection = renewer.sharedConnection
        self.renewer = renewer
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
    public func with(timeout: Duration?) -> LimitClient {
        LimitClient(renewer, CallOptions(strategy, timeout))
    }

    /// Returns a copy with another strategy, on the same connection.
    public func with(strategy: Strategy) -> LimitClient {
        LimitClient(renewer, CallOptions(strategy, timeout))
    }

    /// Closes the connection after the calls in progress have ended. Leases that last as long as the connection end.
    ///
    /// The next call that needs the agent opens a new connection.
    public func close() {
        renewer.close()
        sharedConnection.close()
    }
}
