import CTestKernel
import Foundation
import ControlledProcesses
import RlimitModel
import Testing

/// Peers of whom the kernel cannot say who they are, or not any more.
@Suite(
    "Peers without an identity", .serialized,
    .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct StalePeersNeedsCapability {
    private static let policy =
        Policies.openFiles(900_000) + "\n[quota]\nconnections = 1000\nrequests_per_second = 1000000\n"
    private static let raise = Request.Operation.set(
        .caller, EditBatch([NumericEdit(.openFiles, soft: 200, mode: .atLeast)]), lease: nil)
    private static let start = Limit(soft: 100, hard: 1000)

    @Test func `Requests of thousands of peers that ended before the accept are not carried out`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let spawner = try ControlledProcess.spawner()
        let frame = try RequestBytes.frame(Self.raise)
        // What they ask for would be granted.
        let connected = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        try connected.process.setOwnLimit(.openFiles, to: Self.start)
        #expect(try connected.ask(Self.raise)?.refusal == nil)
        _ = try agent.logLine(containing: "verdict=granted", "peer_pid=\(connected.process.pid)")

        try connected.process.setOwnLimit(.openFiles, to: Self.start)
        // User-mode-linux takes its time for each.
        let batches = Machine.mayRaiseHardLimits ? 40 : 200
        for _ in 0..<batches {
            agent.send(SIGSTOP)
            let gone = try connected.process.connectBriefly(50, to: agent.socket, sending: frame)
            agent.send(SIGCONT)
            #expect(gone == 50)
            // Whoever connects after them is accepted after them.
            #expect(try RawConnection(to: agent.socket).isAnswered())
        }
        #expect(try connected.callerInfo().pid == connected.process.pid)
        #expect(agent.log.split(separator: "\n").count { $0.contains("verdict=granted") } == 1)
        #expect(try connected.process.prlimit(.openFiles, of: connected.process.pid).limit == Self.start)
    }

    @Test func `An agent in its own PID namespace answers only server_info to peers outside it`() throws {
        let agent = try AgentProcess(
            policy: Self.policy, prefix: ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
        let spawner = try ControlledProcess.spawner()
        let caller = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        let callerInfo = try caller.callerInfo()
        #expect(callerInfo.pid == nil && callerInfo.hasMixedIDs && callerInfo.namespaceDepth == nil)
        for operation: Request.Operation in [
            Self.raise, .get(.caller, .all), .get(.pid(caller.process.pid), .all), .usage(.caller, .process), .stats,
        ] {
            #expect(try caller.ask(operation)?.refusal == .deniedByPolicy, "\(operation)")
        }
        let pidfd = tk_pidfd_of_process(caller.process.pid)
        defer { close(pidfd) }
        let frame = try RequestBytes.frame(.get(.attachedPidfd, .all))
        if tk_send_descriptors(caller.connection.descriptor, frame, frame.count, [pidfd], 1) == frame.count {
            #expect(try caller.connection.nextError()?.code == .deniedByPolicy)
        }
    }

    @Test func `A peer with a pid that root reused before the accept has no rights of root, and root's process is not changed`() throws {
        try checkReusedNumber(successor: Account.root) { answer, _ in
            #expect(answer.isRefused)
        }
    }

    // Before Linux 6.5 nothing says whether the process that has the peer's number is the one that connected. It has the
    // same six ids, or it would count as nobody; so it is of the same user, and what the agent does for the one it would do
    // for the other. This is why rules about cgroups and labels match no such peer.
    @Test func `A peer with a pid that its user reused before the accept has at most that user's rights`() throws {
        try checkReusedNumber(successor: Account.served) { answer, successor in
            if TestKernel.hasPeerPidfd {
                #expect(answer.refusal != nil)
            } else if case .success(.limits(_, let limits)) = answer {
                #expect(limits[.openFiles].hard == Self.start.hard, "it is told of the other process of the same user")
            }
            _ = successor
        }
    }

    private func checkReusedNumber(
        successor account: Account, _ check: (Result<Reply, RlimitError>, ControlledProcess) throws -> Void
    ) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let spawner = try ControlledProcess.spawner()
        let victim = try spawner.spawn(Account.served.ids)
        agent.send(SIGSTOP)
        let connection = RawConnection(owning: try victim.connect(to: agent.socket))
        let number = victim.pid
        try spawner.reap(victim)
        let successor = try spawner.spawn(account.ids, number: number)
        try successor.setOwnLimit(.openFiles, to: Self.start)
        agent.send(SIGCONT)
        let operations: [Request.Operation] = [.get(.caller, .all), .get(.pid(number), .all)]
        for operation in operations {
            // From Linux 6.5 to 6.15 the kernel has no pidfd of such a peer, and the agent hangs up.
            do { try connection.send(try RequestBytes.frame(operation)) } catch { break }
            guard let answer = try connection.decodedResponse()?.outcome else { break }
            try check(answer, successor)
        }
        if account == .root {
            try? connection.send(try RequestBytes.frame(Self.raise))
            if let answer = try connection.decodedResponse()?.outcome { #expect(answer.refusal != nil) }
            #expect(try successor.prlimit(.openFiles, of: number).limit == Self.start)
        }
        #expect(try RawConnection(to: agent.socket).isAnswered())
    }

    @Test func `A reused pid of a peer that ended after the accept never stands for the peer`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let spawner = try ControlledProcess.spawner()
        let caller = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        let number = caller.process.pid
        #expect(try caller.openFiles(of: .caller)?.refusal == nil)
        try spawner.reap(caller.process)
        for account in [Account.root, .served] {
            let successor = try spawner.spawn(account.ids, number: number)
            try successor.setOwnLimit(.openFiles, to: Self.start)
            #expect(try caller.openFiles(of: .caller)?.isRefused == true)
            #expect(try caller.ask(Self.raise)?.isRefused == true)
            #expect(try successor.prlimit(.openFiles, of: number).limit == Self.start)
            try spawner.reap(successor)
        }
    }

    @Test func `A cached process is not confused with the next process of the same pid`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let spawner = try ControlledProcess.spawner()
        let caller = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        let named = try spawner.spawn(Account.served.ids)
        let number = named.pid
        #expect(try caller.openFiles(of: .pid(number))?.refusal == nil)
        try spawner.reap(named)
        #expect(try caller.openFiles(of: .pid(number))?.refusal == .noSuchProcess)

        let rootProcess = try spawner.spawn(Account.root.ids, number: number)
        try rootProcess.setOwnLimit(.openFiles, to: Self.start)
        #expect(try caller.openFiles(of: .pid(number))?.isRefused == true)
        #expect(try caller.raiseOpenFiles(of: .pid(number), to: 200)?.isRefused == true)
        #expect(try rootProcess.prlimit(.openFiles, of: number).limit == Self.start)
        try spawner.reap(rootProcess)

        let own = try spawner.spawn(Account.served.ids, number: number)
        try own.setOwnLimit(.openFiles, to: Limit(soft: 77, hard: 88))
        #expect(try caller.openFiles(of: .pid(number))?.get() == Limit(soft: 77, hard: 88))
        withExtendedLifetime(own) {}
    }

    @Test(arguments: [false, true])
    func `A process cached by one connection is not confused by another with the next process of the same pid`(
        bySet: Bool
    ) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let spawner = try ControlledProcess.spawner()
        let first = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        let second = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        let named = try spawner.spawn(Account.served.ids)
        let number = named.pid
        for caller in [first, second] { #expect(try caller.openFiles(of: .pid(number))?.refusal == nil) }
        let third = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        try spawner.reap(named)
        let own = try spawner.spawn(Account.served.ids, number: number)
        try own.setOwnLimit(.openFiles, to: Limit(soft: 77, hard: 88))
        // The others still hold the one that has ended.
        for caller in [third, first, second] {
            if bySet { #expect(try caller.raiseOpenFiles(of: .pid(number), to: 88)?.isRefused == false) }
            #expect(try caller.openFiles(of: .pid(number))?.get() == Limit(soft: bySet ? 88 : 77, hard: 88))
        }
        withExtendedLifetime(own) {}
    }
}

/// What the kernel under the tests can do.
enum TestKernel {
    /// SO_PEERPIDFD, asked of a socket pair of our own.
    static let hasPeerPidfd: Bool = {
        var ends: [Int32] = [-1, -1]
        guard tk_socket_pair(&ends) == 0 else { return false }
        defer { ends.forEach { close($0) } }
        var pidfd: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(ends[0], SOL_SOCKET, 77, &pidfd, &length) == 0 else { return false }
        close(pidfd)
        return true
    }()
}
