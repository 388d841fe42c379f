import Foundation
import RlimitModel
import RlimitWire
import Synchronization
import Testing

@testable import RlimitClient

private let files = Edit.raise(.openFiles, to: 500)

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isUp: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

@Suite("Leases of tasks", .timeLimit(.minutes(1)))
struct LeaseRenewerTests {
    private func client(_ agent: ScriptedAgent, timeout: Duration? = .seconds(60)) -> LimitClient {
        LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: timeout)
    }

    /// Answers one request and hangs up; those who come later are served.
    private func hangingUp(_ script: ScriptedLeases, after count: Int = 1) throws -> ScriptedAgent {
        try ScriptedAgent(
            { session in
                for _ in 0..<count {
                    guard let request = try session.next() else { return }
                    session.send(Response(id: request.id, script.answer(request)))
                }
            }, { session in try script.serve(session) })
    }

    @Test("go back also when the task is cancelled that runs under them")
    func cancelledBody() async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(script)
        let client = client(agent)
        let hasBegun = Flag()
        let task = Task {
            try await client.withLease(files) { _ in
                hasBegun.raise()
                try await Task.sleep(for: .seconds(60))
            }
        }
        while !hasBegun.isUp { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(await agent.hasBeenAsked(.leaseRelease(ScriptedLeases.id(1))))
    }

    @Test(
        "go back also when the task is cancelled that gives them back, before or while it waits",
        arguments: [true, false])
    func cancelledRelease(isBefore: Bool) async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                if case .leaseRelease = request.operation { continue }
                session.send(Response(id: request.id, script.answer(request)))
            }
        }
        let client = client(agent, timeout: nil)
        let task = Task {
            let lease = try await client.lease(files)
            while isBefore, !Task.isCancelled { await Task.yield() }
            return try await lease.release()
        }
        if !isBefore { #expect(await agent.hasBeenAsked(.leaseRelease(ScriptedLeases.id(1)))) }
        while script.live.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        #expect(await code { try await task.value } == .cancelled)
        #expect(await agent.hasBeenAsked(.leaseRelease(ScriptedLeases.id(1))))
        // Nobody waits for ever either.
        let hasty = client.with(timeout: .milliseconds(50))
        #expect(await code { try await hasty.release(ScriptedLeases.id(1)) } == .deadlineExceeded)
        #expect(agent.leaseRequests.count == 3)
    }

    @Test("that are granted when nobody waits any more go back at once", arguments: [true, false])
    func strayed(isCancelled: Bool) async throws {
        let script = ScriptedLeases()
        let gate = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                if case .set = request.operation { gate.wait() }
                session.send(Response(id: request.id, script.answer(request)))
            }
        }
        let client = client(agent, timeout: isCancelled ? nil : .milliseconds(50))
        let task = Task { _ = try await client.lease(files).keep() }
        while agent.requests.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        if isCancelled { task.cancel() }
        #expect(await code { try await task.value } == (isCancelled ? .cancelled : .deadlineExceeded))
        #expect(script.live.isEmpty)
        gate.signal()
        #expect(await agent.hasBeenAsked(.leaseRelease(ScriptedLeases.id(1))))
        withExtendedLifetime(client) {}
    }

    @Test("without a duration are claimed again when the connection is lost, and those with one are not")
    func claimed() async throws {
        let script = ScriptedLeases()
        let agent = try hangingUp(script, after: 2)
        let client = client(agent)
        let bound = try await client.lease(files)
        let timed = try await client.lease(files, for: .seconds(60))
        #expect(await agent.hasBeenAsked(.leaseRenew(bound.id, .connection)))
        try await bound.renew(for: .seconds(9))
        #expect(
            agent.leaseRequests.dropFirst(2) == [
                .leaseRenew(bound.id, .connection), .leaseRenew(bound.id, .duration(.seconds(9))),
            ])
        #expect(script.live == [bound.id: .duration(.seconds(9)), timed.id: .duration(.seconds(60))])
        #expect(agent.connections == 2)
    }

    @Test("without a duration that were given one later are claimed for what is left of it")
    func claimedForRest() async throws {
        let script = ScriptedLeases(maxDuration: .seconds(1))
        let agent = try hangingUp(script, after: 2)
        let client = client(agent)
        let lease = try await client.lease(files)
        try await lease.renew(for: .seconds(60))
        while script.live[lease.id] == .duration(.seconds(60)) { try await Task.sleep(for: .milliseconds(1)) }
        guard case .duration(let rest) = script.live[lease.id] else {
            Issue.record("\(script.live)")
            return
        }
        #expect(rest > .zero && rest < .seconds(60))
        // Whoever gave it an end wants that, and not that it is renewed.
        try await Task.sleep(for: .milliseconds(700))
        #expect(agent.leaseRequests.count == 3)
    }

    @Test("are claimed as often as the connection is lost")
    func claimedOften() async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(
            { session in
                guard let request = try session.next() else { return }
                session.send(Response(id: request.id, script.answer(request)))
            },
            { session in
                guard let request = try session.next() else { return }
                session.send(Response(id: request.id, script.answer(request)))
            }, { _ in }, { session in try script.serve(session) })
        let client = client(agent)
        let lease = try await client.lease(files)
        #expect(await agent.hasBeenAsked(.leaseRenew(lease.id, .connection), times: 2))
        #expect(try await lease.release().map(\.outcome) == [.restored])
    }

    @Test("are claimed from an agent that is started later")
    func claimedLater() async throws {
        let script = ScriptedLeases()
        let gate = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(Response(id: request.id, script.answer(request)))
            gate.wait()
        }
        let client = client(agent)
        let lease = try await client.lease(files)
        agent.stop()
        gate.signal()
        while agent.ends == 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(await code { try await client.leases() } == .agentUnreachable)
        try await Task.sleep(for: .milliseconds(100))
        let next = try ScriptedAgent(takingOver: agent, script)
        #expect(await next.hasBeenAsked(.leaseRenew(lease.id, .connection)))
        #expect(try await lease.release().map(\.outcome) == [.restored])
    }

    @Test("that cannot be claimed have ended", arguments: [true, false])
    func lost(isRefused: Bool) async throws {
        let script = ScriptedLeases()
        let agent = try hangingUp(script)
        let sharedConnection = SharedConnection<AsyncConnection>(to: agent.socket, busyPolling: .zero)
        let renewer = LeaseRenewer(sharedConnection, retryPeriod: .milliseconds(isRefused ? 60_000 : 100))
        let client = LimitClient(renewer, CallOptions(.agentOnly, .seconds(5)))
        let lease = try await client.lease(files)
        if isRefused { script.endAll() } else { agent.stop() }
        for _ in 0..<5000 where lease.leaseState.isActive { try await Task.sleep(for: .milliseconds(2)) }
        let count = agent.leaseRequests.count
        #expect(await code { try await lease.renew(for: .seconds(1)) } == .leaseEnded)
        let id = lease.id
        do throws(RlimitError) {
            try await lease.release()
            Issue.record("it was given back")
        } catch {
            #expect(error.code == .leaseEnded && error.message.contains("\(id)"))
        }
        #expect(agent.leaseRequests.count == count)
    }

    @Test("are renewed before two thirds of what the rule allows have passed, as long as they are held")
    func renewed() async throws {
        for allowed in [Duration.milliseconds(1), .seconds(1), .seconds(3600), .seconds(365 * 86_400)] {
            let pause = LeaseRenewer.pauseBeforeRenewal(allowed)
            #expect(pause > allowed / 3 && pause < allowed * 2 / 3)
        }
        let script = ScriptedLeases(maxDuration: .milliseconds(400))
        let agent = try ScriptedAgent(script)
        let client = client(agent)
        let begin = ContinuousClock.now
        let lease = try await client.lease(files)
        let renewal = Request.Operation.leaseRenew(lease.id, .connection)
        #expect(await agent.hasBeenAsked(renewal, times: 3))
        #expect(ContinuousClock.now - begin > .milliseconds(500))
        _ = lease.keep()
        // What was asked at that moment still comes.
        try await Task.sleep(for: .milliseconds(50))
        let count = agent.leaseRequests.count
        try await Task.sleep(for: .milliseconds(600))
        #expect(agent.leaseRequests.count == count)
    }

    @Test("without a duration end when the client is closed")
    func closed() async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(script)
        let client = client(agent)
        let lease = try await client.lease(files)
        client.close()
        #expect(await code { try await lease.renew(for: .seconds(1)) } == .leaseEnded)
        while agent.ends == 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(agent.leaseRequests.count == 1)
    }

    @Test("keep neither the client nor its connection once they are gone")
    func nothingIsLeft() async throws {
        let script = ScriptedLeases(maxDuration: .seconds(60))
        let agent = try ScriptedAgent(script)
        func use() async throws {
            let client = client(agent)
            try await client.lease(files).release()
            _ = try await client.lease(files).keep()
            _ = try await client.lease(files)
        }
        try await use()
        for _ in 0..<5000 where agent.ends == 0 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(agent.ends == 1)
        #expect(script.live.count == 1)
    }
}
