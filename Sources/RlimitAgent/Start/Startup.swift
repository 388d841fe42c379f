import Logging
import RlimitConfinement
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile
import RlimitWire

/// The parts of the event loop, ready before the agent reads the first byte of a peer.
struct EventLoopParts: ~Copyable {
    let signals: SignalSource
    let listener: Listener
    let loader: ConfinedPolicyLoader
    let policy: Policy
    let facts: AgentFacts
    let serviceManager: ServiceManager
    let leases: LeaseJournal
    let sink: LogSink
    let log: Logger
    let budget: DescriptorBudget
    let busyPoll: Duration
    let refusedCalls: RefusedCalls
}

/// The reason why the agent does not start, with a remedy.
package struct StartupError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension AgentOptions {
    /// The number of descriptors that the agent requests: enough for some fifty thousand connections.
    private static let requestedDescriptors: UInt64 = 65536

    /// Starts the agent, and drops all privileges that it does not need.
    ///
    /// The order matters. What only root can open comes first. Then the agent drops privileges. Only after that does it
    /// read anything that a peer could have written.
    package func start() throws -> EventLoop {
        // Before any thread is created, because threads inherit the blocked signals.
        let signals = try SignalSource()
        // The agent continues when the reader of its log exits.
        OwnProcess.ignoreBrokenPipes()
        let sink = LogSink(format: logFormat, output: NonblockingStderr.write)
        let log = Logger.agent(sink: sink, level: logLevel)
        defer { sink.flush() }
        if let fault = ProtobufLibrary.fault { throw StartupError(fault) }
        let allowance = Privileges.Allowance(
            noCapability: allowsNoCapability, userNamespace: allowsUserNamespace, pidNamespace: allowsPIDNamespace,
            cgroupNamespace: allowsCgroupNamespace)
        let isRoot = try Privileges.check(allowance).uids.contains(0)
        // The lookups of names run in another process. As root, that process is user nobody until the agent's user is known.
        let firstAccounts = try AccountProcess(user: isRoot ? .nobody : nil)
        let loaded = try ConfinedPolicyLoader(self.loader, accounts: firstAccounts).load()
        for warning in loaded.warnings { log.warning("\(warning)") }
        let user = try agentUser(firstAccounts)
        var accounts = firstAccounts
        if isRoot {
            try Privileges.checkUser(user)
            firstAccounts.stop()
            accounts = try AccountProcess(user: user)
        }
        let state = try StateDirectory(path: stateDirectory, owner: user.uid, group: user.gid)
        let listener = try Listener.activated() ?? Listener(path: socket, backlog: 512, creatingDirectory: true)
        let descriptors = try OwnProcess.raiseOpenFiles(to: Self.requestedDescriptors)
        try OwnProcess.disableCoreDumps()
        let privileges = try Privileges.dropToAgentUser(user, allowing: allowance)
        // For this thread, which runs the event loop.
        SchedulerSlice.request(Self.timeSlice)
        // After the agent has set its own limits, which the filter forbids.
        let refusedCalls = try Sandbox.applyFilter(pid: OwnProcess.pid)
        let facts = AgentFacts.probe(
            canRaise: privileges.permitted != 0 && SystemInfo.isInitialUserNamespace,
            policyPath: loader.main, warnings: EnvironmentWarnings.probe())
        log.notice(
            """
            rlimitd \(agentVersion) on Linux \(facts.kernelRelease) as uid \(user.uid), \
            \(facts.canRaise ? "with CAP_SYS_RESOURCE" : "unable to raise hard limits"), \
            policy: \(loaded.policy.summary)
            """)
        for warning in facts.warnings { log.warning("\(warning)") }
        if loaded.files.isEmpty {
            log.warning("there is no policy file; the agent grants only what needs no rule")
        }
        let budget = DescriptorBudget(
            descriptors: Int(clamping: descriptors), canReopenPeers: KernelFeatures.probed.hasPeerPidfd)
        let journal = LeaseJournal(try LeaseStore(state, log: log), maxProcesses: budget.maxLeasedProcesses)
        let eventLoop = try EventLoop(
            EventLoopParts(
                signals: signals, listener: listener,
                loader: ConfinedPolicyLoader(self.loader, accounts: accounts), policy: loaded.policy, facts: facts,
                serviceManager: ServiceManager(), leases: journal, sink: sink, log: log, budget: budget,
                busyPoll: busyPoll, refusedCalls: refusedCalls))
        OwnProcess.dropCodePages()
        return eventLoop
    }

    /// Shorter than the minimum that Linux assigns by itself (0.7 ms). When the event loop wakes up, it does not wait
    /// for the slice of a thread that computes on its processor, such as the thread that reloads the policy.
    private static let timeSlice: Duration = .microseconds(500)

    // By name, or as UID:GID.
    private func agentUser(_ accounts: AccountProcess) throws(StartupError) -> AgentPrivileges.UserID {
        let numbers = user.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        let found: AgentPrivileges.UserID?
        if numbers.count == 2, let uid = numbers[0], let gid = numbers[1] {
            found = AgentPrivileges.UserID(uid: uid, gid: gid)
        } else {
            found = accounts.user(named: user)
        }
        if let failure = accounts.takeFailure() { throw StartupError(failure) }
        guard let found else {
            throw StartupError(
                "there is no user \"\(user)\"; create it with systemd-sysusers, or choose another with --user NAME or --user UID:GID"
            )
        }
        return found
    }
}
