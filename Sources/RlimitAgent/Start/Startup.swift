import Logging
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile
import RlimitConfinement
import RlimitWire

/// What the loop is made of, ready before the first byte of a peer is read.
struct EventLoopParts: ~Copyable {
    let signals: SignalSource
    let listener: Listener
    let loader: PolicyLoader
    let policy: Policy
    let facts: AgentFacts
    let serviceManager: ServiceManager
    let leases: LeaseJournal
    let sink: LogSink
    let log: Logger
    let budget: DescriptorBudget
    let busyPoll: Duration
}

/// Why the agent does not start, and what to do about it.
package struct StartupError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension AgentOptions {
    /// How many descriptors the agent would like: for some fifty thousand connections.
    private static let requestedDescriptors: UInt64 = 65536

    /// The agent, with the privilege it was given taken down to what it needs.
    ///
    /// The order matters: what only root can open comes first, then the privilege goes, and only then is anything read that
    /// a peer could have written.
    package func start() throws -> EventLoop {
        // Before there is any thread: each inherits the blocked signals.
        let signals = try SignalSource()
        // Whoever reads the log may go; that is no reason to go too.
        OwnProcess.ignoreBrokenPipes()
        let sink = LogSink(format: logFormat, output: NonblockingStderr.write)
        let log = Logger.agent(sink: sink, level: logLevel)
        defer { sink.flush() }
        if let fault = ProtobufLibrary.fault { throw StartupError(fault) }
        let loader = self.loader
        let loaded = try loader.load()
        for warning in loaded.warnings { log.warning("\(warning)") }
        let allowance = Privileges.Allowance(noCapability: allowsNoCapability, userNamespace: allowsUserNamespace)
        try Privileges.check(allowance)
        let user = try agentUser()
        let state = try StateDirectory(path: stateDirectory, owner: user.uid, group: user.gid)
        let listener = try Listener.activated() ?? Listener(path: socket, backlog: 512, creatingDirectory: true)
        let descriptors = try OwnProcess.raiseOpenFiles(to: Self.requestedDescriptors)
        try OwnProcess.disableCoreDumps()
        let privileges = try Privileges.dropToAgentUser(
            user, allowing: allowance)
        // Of this thread, whose loop it will be.
        SchedulerSlice.request(Self.timeSlice)
        // Its own limits are what they shall be.
        try Sandbox.applyFilter(pid: OwnProcess.pid)
        let facts = AgentFacts.probe(canRaise: privileges.permitted != 0 && SystemInfo.isInitialUserNamespace)
        log.notice(
            """
            rlimitd \(agentVersion) on Linux \(facts.kernelRelease) as uid \(user.uid), \
            \(facts.canRaise ? "with CAP_SYS_RESOURCE" : "without the power to raise hard limits"), \
            policy: \(loaded.policy.summary)
            """)
        if loaded.files.isEmpty { log.warning("there is no policy file; only what needs no rule is granted") }
        let budget = DescriptorBudget(
            descriptors: Int(clamping: descriptors), canReopenPeers: KernelFeatures.probed.hasPeerPidfd)
        let journal = LeaseJournal(try LeaseStore(state, log: log), maxProcesses: budget.maxLeasedProcesses)
        let eventLoop = try EventLoop(
            EventLoopParts(
                signals: signals, listener: listener, loader: loader, policy: loaded.policy, facts: facts,
                serviceManager: ServiceManager(), leases: journal, sink: sink, log: log, budget: budget,
                busyPoll: busyPoll))
        OwnProcess.dropCodePages()
        return eventLoop
    }

    /// Shorter than the shortest that Linux gives of its own (0.7 ms): the loop, when it is woken, need not wait for the slice of a
    /// thread that computes on its processor, such as the one that reads the policy anew.
    private static let timeSlice: Duration = .microseconds(500)

    // By name, or as UID:GID.
    private func agentUser() throws(StartupError) -> AgentPrivileges.UserID {
        let numbers = user.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        let found: AgentPrivileges.UserID?
        if numbers.count == 2, let uid = numbers[0], let gid = numbers[1] {
            found = AgentPrivileges.UserID(uid: uid, gid: gid)
        } else {
            found = UserDatabase.user(named: user).map { AgentPrivileges.UserID(uid: $0.uid, gid: $0.gid) }
        }
        guard let found else {
            throw StartupError(
                "there is no user \"\(user)\"; make it with systemd-sysusers, or name one with --user NAME or --user UID:GID"
            )
        }
        return found
    }
}
