import CTestKernel
import Foundation
import ControlledProcesses
import RlimitModel
import Testing

/// Peers that have ended, or that the kernel cannot identify to the agent.
@Suite(
    "Peers without an identity", .serialized,
    .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct StalePeersNeedsCapability {
    private static let policy = Policies.openFiles(900_000, hasHighQuota: true)
    private static let raise = Request.Operation.set(
        .caller, EditBatch([NumericEdit(.openFiles, soft: 200, mode: .atLeast)]), lease: nil)
    private static let start = Limit(soft: 100, hard: 1000)

    @Test func `Requests of thousands of peers that ended before the accept are not carried out`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let spawner = try ControlledProcess.spawner()
        let frame = try RequestBytes.frame(Self.raise)
        // The same request from a live peer is granted.
        let connected = try ConnectedProcess(try spawner.spawn(Account.served.ids), agent)
        try connected.process.setOwnLimit(.openFiles, to: Self.start)
        #expect(try connected.ask(Self.raise)?.refusal == nil)
        _ = try agent.logLine(containing: "verdict=granted", "peer_pid=\(connected.process.pid)")

        try connected.process.setOwnLimit(.openFiles, to: Self.start)
        for _ in 0..<40 {
            agent.send(SIGSTOP)
            let gone = try connected.process.connectBriefly(50, to: agent.socket, sending: frame)
            agent.send(SIGCONT)
            #expect(gone == 50)
            // The agent accepts connections in order, so it has accepted the others when this one is answered.
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
        _ = try agent.logLine(containing: "level=warning", "in a PID namespace of its own")
        let callerInfo = try caller.callerInfo()
        #expect(callerInfo.pid == nil && callerInfo.hasMixedIDs && callerInfo.namespaceDepth == nil)
        for operation: Request.Operation in [
            Self.raise, .get(.caller, .all), .get(.pid(caller.process.pid), .all), .usage(.caller, .process), .stats,
        ] {
            guard case .failure(let error) = try caller.ask(operation) else {
                Issue.record("\(operation) was granted")
                continue
            }
            #expect(error.code == .deniedByPolicy, "\(operation)")
            // The caller's ids are equal, and the agent cannot know that.
            #expect(error.message.contains("PID namespace of its own"), "\(error)")
            #expect(!error.message.contains("differ"), "\(error)")
        }
        let pidfd = tk_pidfd_of_process(caller.process.pid)
        defer { close(pidfd) }
        let frame = try RequestBytes.frame(.get(.attachedPidfd, .all))
        if tk_send_descriptors(caller.connection.descriptor, frame, frame.count, [pidfd], 1) == frame.count {
            #expect(try caller.connection.nextError()?.code == .deniedByPolicy)
        }
    }

    @Test
    func
        `A peer with a pid that root reused before the accept has no rights of root, and root's process is not changed`()
        throws
    {
        try checkReusedNumber(successor: Account.root) { answer in #expect(answer.isRefused) }
    }

    // Before Linux 6.5 the agent cannot tell whether the process with the peer's pid is the one that connected. If its
    // six ids differ, the peer has no identity. Otherwise it belongs to the same user and has the same rights. Rules
    // about cgroups and labels therefore match no such peer.
    @Test func `A peer with a pid that its user reused before the accept has at most that user's rights`() throws {
        try checkReusedNumber(successor: Account.served) { answer in
            if Machine.pinsPeers {
                #expect(answer.refusal != nil)
            } else if case .success(.limits(_, let limits)) = answer {
                #expect(
                    limits[.openFiles].hard == Self.start.hard,
                    "the response is not about the other process of the same user")
            }
        }
    }

    private func checkReusedNumber(
        successor account: Account, _ check: (Result<Reply, RlimitError>) throws -> Void
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
            // From Linux 6.5 to 6.15 the kernel has no pidfd of such a peer, and the agent closes the connection.
            do { try connection.send(try RequestBytes.frame(operation)) } catch { break }
            guard let answer = try connection.decodedResponse()?.outcome else { break }
            try check(answer)
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
        // The first two connections still have the ended process in their cache.
        for caller in [third, first, second] {
            if bySet { #expect(try caller.raiseOpenFiles(of: .pid(number), to: 88)?.isRefused == false) }
            #expect(try caller.openFiles(of: .pid(number))?.get() == Limit(soft: bySet ? 88 : 77, hard: 88))
        }
        withExtendedLifetime(own) {}
    }
}
