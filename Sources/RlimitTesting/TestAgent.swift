public import RlimitClient
import RlimitKernel
import RlimitModel
import RlimitPolicy

/// An agent for tests: it answers on a socket of its own as `rlimitd` does, and changes nothing but numbers that it keeps.
///
/// The code under test takes the real client, which speaks the real protocol with it. What decides is the real agent's code,
/// so answers, refusals and their words are the same. It needs no privilege and no policy file, runs in any container, and
/// any number of them live side by side, each in a folder of its own (below `TMPDIR`, or `/tmp`). When the last reference
/// goes, so do its thread, its descriptors and its folder: keep it in a variable, for a client alone does not keep it.
///
/// ```swift
/// let agent = try TestAgent(limits: [.openFiles: Limit(soft: 1024, hard: 4096)], ceilings: [.openFiles: 65_536])
/// try await boot(agent.client)
/// #expect(agent.limits[.openFiles] == Limit(65_536))
/// ```
///
/// **Processes.** Every process that the kernel shows has limits of its own here, beginning with `limits`: the one that runs
/// the test, and any other from the moment it connects or is named. Who they are, whether they have ended, and what they used
/// is asked of the kernel. A number or pidfd that means no process is `.noSuchProcess`, as ever; process 1 is refused.
///
/// **Cgroups.** Whatever cgroup or pod is named, by path or as one's own, its processes are those that connected or were
/// named before and still run. So a test says who is in it.
///
/// **Rights.** One rule, "TestAgent ceilings", lets everyone read and lower everything of every process, and raise the
/// resources in `ceilings` that far. `fs.nr_open` is taken to be 1048576. The quota is what a policy has that sets none: 64
/// connections, 32 leases, and 1000 requests a second, which `advance(by:)` refills.
public final class TestAgent: Sendable {
    private let dispatcher: TestDispatcher
    private let folder: PrivateTemporaryDirectory
    private let thread: JoinedThread
    /// Where it listens.
    public let socket: AgentSocket

    /// An agent that answers from now on. mkdtemp(3), socket(2), pthread_create(3).
    ///
    /// - Parameters:
    ///   - limits: What each process begins with, in the unit of the resource. Those that are not given are as Linux boots:
    ///     1024:4096 open files, no core files, 8 MiB of stack (hard unlimited) and of locked memory, 30000 processes and
    ///     pending signals, 819200 bytes in message queues, no nice level, no real-time priority, and all else unlimited.
    ///   - ceilings: How far the agent raises a hard limit, in the unit of the resource. One that is not here is not raised.
    /// - Throws: `.softExceedsHard`; `.internalError`, with the errno of the system call, where there is no room for a folder,
    ///   descriptors or a thread.
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
        // The client trusts a socket of its own user's, unless somebody else could replace the folder that temporary files
        // are in; for a test that is no matter.
        let isTrusted = (try? SocketTrust.reasonForDistrust(of: folder.file)) == .some(nil)
        socket = AgentSocket(path: folder.file, owner: isTrusted ? .rootOrSelf : .anyone)
    }

    deinit { dispatcher.stop() }

    /// A client of this agent that asks nobody else, and so changes nothing real. Each one has a connection of its own.
    ///
    /// Made with `.kernelFirst`, it would ask the kernel for real limits first, and change them.
    public var client: LimitClient { LimitClient(socket: socket, strategy: .agentOnly) }

    /// The same for threads.
    public var blockingClient: BlockingLimitClient { BlockingLimitClient(socket: socket, strategy: .agentOnly) }

    /// What the process that runs the test has now, in the unit of each resource.
    public var limits: Limits { dispatcher.limits(of: OwnProcess.pid) }

    /// Answers the next request with this error, whoever sends it and whatever it asks, and does nothing else. Called again
    /// before that, the one after it gets the next error.
    ///
    /// It arrives as the protocol carries it: `retryAfter` in whole milliseconds, `editIndex` and the rest as they are. One
    /// call of the client may be several requests; it sends reads once more where a connection was lost. Three codes are
    /// more than an answer: for `.connectionLost` the connection closes without one; after `.malformed` it closes, as it does
    /// when a client breaks the protocol; and what only a client says of itself (`.agentUnreachable`, `.untrustedSocket`,
    /// `.cancelled`) arrives as `.internalError`.
    public func failNext(with error: RlimitError) { dispatcher.failNext(with: error) }

    /// Moves the agent's clock on, beside the time that passes anyway: the one by which leases end and its rate of requests
    /// refills. When this returns, the limits of leases that are over by then have gone back.
    ///
    /// - Parameter duration: Below zero it is nothing; a clock never goes back.
    public func advance(by duration: Duration) { dispatcher.advance(by: duration) }

    /// Closes all connections, also those that were not accepted yet, before it returns; leases that last as long as one have
    /// ended by then. The agent stays: who calls next connects anew. Whoever waits for an answer gets `.connectionLost`, or,
    /// where the client can ask once more, its answer.
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
