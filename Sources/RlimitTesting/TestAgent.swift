public import RlimitClient
import RlimitKernel
import RlimitModel
import RlimitPolicy

/// An agent for tests: it serves a socket of its own as `rlimitd` does, and changes simulated limits only.
///
/// The code under test uses the real client, which speaks the real protocol with the agent. The decisions are made by
/// rlimitd's own code, so replies, errors and messages are the same. The agent needs no privilege and no policy file,
/// and runs in any container. Several agents can run side by side, each in a folder of its own (below `TMPDIR`, or
/// `/tmp`). Its thread, its descriptors and its folder go with the last reference: keep the agent in a variable,
/// because a client does not keep it.
///
/// ```swift
/// let agent = try TestAgent(limits: [.openFiles: Limit(soft: 1024, hard: 4096)], ceilings: [.openFiles: 65_536])
/// try await boot(agent.client)
/// #expect(agent.limits[.openFiles] == Limit(65_536))
/// ```
///
/// **Processes.** Every process of the machine has simulated limits, which begin with `limits`: the process that runs
/// the test, and any other process from the time when it connects or is named. The credentials, the end and the usage
/// of a process come from the kernel. A pid or pidfd without a process is `.noSuchProcess`; process 1 is rejected.
///
/// **Cgroups.** Every cgroup and pod contains the running processes that have connected or were named before, whichever
/// path a request names.
///
/// **Policy.** One rule, "TestAgent ceilings", allows every caller to read and lower all limits of every process, and
/// to raise the resources in `ceilings` that far. `fs.nr_open` is 1048576. The quota is the default of a policy: 64
/// connections, 32 leases, and 1000 requests a second, which `advance(by:)` refills.
public final class TestAgent: Sendable {
    private let dispatcher: TestDispatcher
    private let folder: PrivateTemporaryDirectory
    private let thread: JoinedThread
    /// The socket that the agent listens on.
    public let socket: AgentSocket

    /// Starts an agent.
    ///
    /// - Parameters:
    ///   - limits: The limits that each process begins with, in the unit of the resource. The others are as at boot:
    ///     1024:4096 open files, no core files, 8 MiB of stack (hard unlimited) and of locked memory, 30000 processes
    ///     and pending signals, 819200 bytes in message queues, no nice level, no real-time priority, and all else
    ///     unlimited.
    ///   - ceilings: How far the agent raises a hard limit, in the unit of the resource. Other resources are not
    ///   raised.
    /// - Throws: `.softExceedsHard`; `.internalError` with the errno of the system call, where the folder, the
    ///   descriptors or the thread cannot be made.
    ///
    /// mkdtemp(3), socket(2), pthread_create(3).
    public init(limits: [Resource: Limit] = [:], ceilings: [Resource: Limit.Bound] = [:]) throws(RlimitError) {
        let processes = try ProcessTable(startingWith: limits)
        do throws(SystemError) {
            folder = try PrivateTemporaryDirectory(named: "rlimitd-test", for: "agent.sock")
            let loop = try TestLoop(
                TestDispatcher(policy: .ceilings(ceilings), processes: processes), listeningAt: folder.file)
            dispatcher = loop.dispatcher
            thread = try JoinedThread { loop.run() }
        } catch {
            throw RlimitError(.internalError, errno: error.number, message: "no agent for this test: \(error)")
        }
        // The client trusts a socket of its own user, unless another user can replace the folder for temporary files. A
        // test need not defend against that.
        let isTrusted = (try? SocketTrust.reasonForDistrust(of: folder.file)) == .some(nil)
        socket = AgentSocket(path: folder.file, owner: isTrusted ? .rootOrSelf : .anyone)
    }

    deinit { dispatcher.stop() }

    /// A client of this agent, with a connection of its own. It uses the agent only, and changes no real limit.
    ///
    /// A client with the strategy `.kernelFirst` would read and change real limits first.
    public var client: LimitClient { LimitClient(socket: socket, strategy: .agentOnly) }

    /// A blocking client of this agent, with a connection of its own.
    public var blockingClient: BlockingLimitClient { BlockingLimitClient(socket: socket, strategy: .agentOnly) }

    /// The simulated limits of the process that runs the test, in the unit of each resource.
    public var limits: Limits { dispatcher.limits(of: OwnProcess.pid) }

    /// Answers the next request of any client with this error, and does nothing else. Further calls set the errors of
    /// the requests after that.
    ///
    /// The error arrives as the protocol carries it: `retryAfter` in whole milliseconds, the other fields unchanged.
    /// It never answers `agentInfo()`, because clients send that request by themselves before the first one about another
    /// process. One call of a client may be several requests, and a client sends a read again where the connection was lost.
    /// Some codes have a special effect. `.connectionLost` closes the connection without a reply. `.malformed` closes
    /// it after the reply, as when a client breaks the protocol. Codes that only a client produces
    /// (`.agentUnreachable`, `.untrustedSocket`, `.cancelled`) arrive as `.internalError`.
    public func failNext(with error: RlimitError) { dispatcher.failNext(with: error) }

    /// Moves the agent's clock forward. Leases end by this clock, and the request rate refills by it. When the call
    /// returns, the limits of leases that have ended by then are restored.
    ///
    /// - Parameter duration: A negative duration has no effect.
    public func advance(by duration: Duration) { dispatcher.advance(by: duration) }

    /// Closes all connections, also those that are not accepted yet, and ends their leases, before it returns.
    ///
    /// The agent continues to listen, and the next call of a client connects again. A call that waits for a reply
    /// throws `.connectionLost`, or gets its reply where the client may repeat the request.
    public func dropConnections() { dispatcher.dropConnections() }
}

extension Policy {
    /// One rule for all callers and targets: it raises limits up to the ceilings, and lowers and shows all limits.
    fileprivate static func ceilings(_ ceilings: [Resource: Limit.Bound]) -> Policy {
        let rule = AllowRule(
            name: "TestAgent ceilings", caller: .everyone,
            // A rule that names no users does not apply to targets with more privilege than the caller.
            target: TargetPattern(.any, users: IDSet([0...UInt32.max])),
            operations: [.onProcesses, .stats, .leaseList],
            // A rule lowers only the resources that it names. A ceiling of 0 raises nothing.
            ceilings: Ceilings(Dictionary(uniqueKeysWithValues: Resource.allCases.map { ($0, ceilings[$0] ?? 0) })),
            mayLower: true)
        return Policy(allows: [rule])
    }
}
