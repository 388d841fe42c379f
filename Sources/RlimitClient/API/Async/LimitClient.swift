import RlimitKernel

/// Reads and changes resource limits, of the calling process or of others: through the kernel where it allows that, and
/// through the agent where it does not. For tasks; `BlockingLimitClient` is the same for threads.
///
/// ```swift
/// let client = LimitClient()
/// let files = try await client.raise(.openFiles, upTo: 1_048_576)
/// if let why = files.shortfall { print("only \(files.new.soft) descriptors: \(why)") }
/// ```
///
/// A client is a handle: making one opens nothing and cannot fail. Copies share one connection, which the first call that
/// needs the agent makes, and which is made again when the agent was restarted. Any number of tasks may call at once: their
/// requests go over it one behind the other without waiting for answers, up to 128, and the answers come in any order.
///
/// No call blocks a thread while it waits for the agent: one thread of the process waits for all clients. A call ends with
/// `.cancelled` as soon as its task is cancelled, and with `.deadlineExceeded` at its timeout; an answer that comes later is
/// dropped. After either, and after `.connectionLost`, an edit may have been made: nothing is ever sent twice that may have
/// been carried out.
///
/// A process that fork(2) made of one whose tasks were running cannot run tasks itself; where it can, it makes a connection
/// of its own.
public struct LimitClient: Sendable {
    /// Whom a client asks first.
    @nonexhaustive
    public enum Strategy: Hashable, Sendable {
        /// The kernel, and the agent for what the kernel refuses.
        case kernelFirst
        /// The agent alone.
        case agentOnly
    }

    let sharedConnection: SharedConnection<AsyncConnection>
    let renewer: LeaseRenewer
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
        self.init(LeaseRenewer(SharedConnection(to: socket, busyPolling: busyPolling)), CallOptions(strategy, timeout))
    }

    init(_ renewer: LeaseRenewer, _ options: CallOptions) {
        sharedConnection = renewer.sharedConnection
        self.renewer = renewer
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
    public func with(timeout: Duration?) -> LimitClient {
        LimitClient(renewer, CallOptions(strategy, timeout))
    }

    /// A copy that asks others first, on the same connection.
    public func with(strategy: Strategy) -> LimitClient {
        LimitClient(renewer, CallOptions(strategy, timeout))
    }

    /// Closes the connection, once the calls that are under way have ended; leases that last as long as it end. The next call
    /// that needs the agent makes a new one.
    public func close() {
        renewer.close()
        sharedConnection.close()
    }
}
