import Logging
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitPolicyFile
import RlimitSandbox
import RlimitWire

/// What the loop is made of, ready before the first byte of a peer is read.
struct AgentParts: ~Copyable {
    let signals: SignalSource
    let listener: Listener
    let loader: PolicyLoader
    let policy: Policy
    let facts: AgentFacts
    let supervisor: Supervisor
    let leases: LeaseKeeper
    let sink: LogSink
    let log: Logger
    let budget: DescriptorBudget
    let busyPoll: Duration
}

/// Why the agent does not start, and what to do about it.
package struct StartError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension AgentOptions {
    /// How many descriptors the agent would like: for some fifty thousand connections.
    private static let wantedDescriptors: UInt64 = 65536

    /// The agent, with the privilege it was given taken down to what it needs.
    ///
    /// The order matters: what only root can open comes first, then the privilege goes, and only then is anything read that
    /// a peer could have written.
    package func start() throws -> Agent {
        // Before there is any thread: each inherits the blocked signals.
        let signals = try SignalSource()
        // Whoever reads the log may go; that is no reason to go too.
        OwnProcess.ignoreBrokenPipes()
        let sink = LogSink(format: logFormat, output: PatientOutput.write)
        let log = Logger.agent(sink: sink, level: logLevel)
        defer { sink.flush() }
        if let fault = ProtobufLibrary.fault { throw StartError(fault) }
        let loader = self.loader
        let loaded = try loader.load()
        for warning in loaded.warnings { log.warning("\(warning)") }
        let allowance = Privileges.Allowance(noCapability: allowsNoCapability, userNamespace: allowsUserNamespace)
        try Privileges.check(allowance)
        let user = try agentUser()
        let state = try StateDirectory(path: stateDirectory, owner: user.uid, group: user.gid)
        let listener = try Listener.activated() ?? Listener(path: socket, backlog: 512, creatingFolder: true)
        let descriptors = try OwnProcess.raiseOpenFiles(to: Self.wantedDescriptors)
        try OwnProcess.forgoCoreFiles()
        let privileges = try Privileges.becomeAgent(
            user, allowing: allowance)
        // Of this thread, whose loop it will be.
        TimeSlice.ask(Self.timeSlice)
        // Its own limits are what they shall be.
        try Sandbox.shutIn(pid: OwnProcess.pid)
        let facts = AgentFacts.gather(canRaise: privileges.permitted != 0 && SystemFacts.isInitialUserNamespace)
        log.notice(
            """
            rlimitd \(agentVersion) on Linux \(facts.kernelRelease) as uid \(user.uid), \
            \(facts.canRaise ? "with CAP_SYS_RESOURCE" : "without the power to raise hard limits"), \
            policy: \(loaded.policy.summary)
            """)
        if loaded.files.isEmpty { log.warning("there is no policy file; only what needs no rule is granted") }
        var keeper = LeaseKeeper(try LeaseStore(state, log: log))
        let budget = DescriptorBudget(
            descriptors: Int(clamping: descriptors), canRegainPeers: KernelFeatures.probed.hasPeerPidfd)
        keeper.book.room.processes = budget.leases
        let agent = try Agent(
            AgentParts(
                signals: signals, listener: listener, loader: loader, policy: loaded.policy, facts: facts,
                supervisor: Supervisor(), leases: keeper, sink: sink, log: log, budget: budget, busyPoll: busyPoll))
        OwnProcess.forgetCode()
        return agent
    }

    /// Shorter than the shortest that Linux gives of its own (0.7 ms): the loop, when it is woken, need not wait for the slice of a
    /// thread that computes on its processor, such as the one that reads the policy anew.
    private static let timeSlice: Duration = .microseconds(500)

    // By name, or as UID:GID.
    private func agentUser() throws(StartError) -> AgentPrivileges.UserID {
        let numbers = user.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        let found: AgentPrivileges.UserID?
        if numbers.count == 2, let uid = numbers[0], let gid = numbers[1] {
            found = AgentPrivileges.UserID(uid: uid, gid: gid)
        } else {
            found = Accounts.user(named: user).map { AgentPrivileges.UserID(uid: $0.uid, gid: $0.gid) }
        }
        guard let found else {
            throw StartError(
                "there is no user \"\(user)\"; make it with systemd-sysusers, or name one with --user NAME or --user UID:GID"
            )
        }
        return found
    }
}
