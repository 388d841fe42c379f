import Foundation
import RlimitModel
import RlimitWire
import ScriptedAgents
import Synchronization
import Testing

@testable import RlimitClient

private let files = Edit.raise(.openFiles, to: 500)

// A flag that one task sets and another reads.
private final class Flag: Sendable {
    private let value = Atomic(false)
    var isUp: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

@Suite("Leases of tasks", .timeLimit(.minutes(10)))
struct LeaseRenewerTests {
    private func client(_ agent: ScriptedAgent, timeout: Duration? = .seconds(60)) -> LimitClient {
        LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: timeout)
    }

    /// Answers `count` requests and closes the connection. Serves later connections normally.
    private func hangingUp(_ script: ScriptedLeases, after count: Int = 1) throws -> ScriptedAgent {
        try ScriptedAgent(
            { session in
                for _ in 0..<count {
                    guard let request = try session.next() else { return }
                    session.send(Response(id: request.id, script.answer(request)))
                }
            }, { session in try script.serve(session) })
    }

    @Test("are released when the task in their body is cancelled")
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
        "are released when the releasing task is cancelled, before or during its wait",
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
        // The wait also ends at the deadline.
        let impatient = client.with(timeout: .milliseconds(50))
        #expect(await code { try await impatient.release(ScriptedLeases.id(1)) } == .deadlineExceeded)
        #expect(agent.leaseRequests.count == 3)
    }

    @Test("that are granted to a call that no longer waits are released at once", arguments: [true, false])
    func unclaimed(isCancelled: Bool) async throws {
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

    @Test("without a duration are claimed again after the connection is lost, and those with one are not")
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
        #expect(script.terms == [bound.id: .duration(.seconds(9)), timed.id: .duration(.seconds(60))])
        #expect(agent.connections == 2)
    }

    @Test("that were given a duration later are claimed for the rest of it")
    func claimedForRest() async throws {
        let script = ScriptedLeases(maxDuration: .seconds(1))
        let agent = try hangingUp(script, after: 2)
        let client = client(agent)
        let lease = try await client.lease(files)
        try await lease.renew(for: .seconds(60))
        while script.terms[lease.id] == .duration(.seconds(60)) { try await Task.sleep(for: .milliseconds(1)) }
        guard case .duration(let rest) = script.terms[lease.id] else {
            Issue.record("\(script.terms)")
            return
        }
        #expect(rest > .zero && rest < .seconds(60))
        // A lease with a duration is not renewed by itself.
        try await Task.sleep(for: .milliseconds(700))
        #expect(agent.leaseRequests.count == 3)
    }

    @Test("are claimed after each loss of the connection")
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

    @Test("are claimed from an agent that starts later")
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
        while lease.leaseState.isActive { try await Task.sleep(for: .milliseconds(2)) }
        let count = agent.leaseRequests.count
        #expect(await code { try await lease.renew(for: .seconds(1)) } == .leaseEnded)
        let id = lease.id
        do throws(RlimitError) {
            try await lease.release()
            Issue.record("the release succeeded")
        } catch {
            #expect(error.code == .leaseEnded && error.message.contains("\(id)"))
        }
        #expect(agent.leaseRequests.count == count)
    }

    @Test("are renewed before two thirds of the permitted time have passed, while their handle exists")
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
        // A request that was sent just before may still arrive.
        try await Task.sleep(for: .milliseconds(500))
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

    @Test("keep neither the client nor its connection open after their handles are gone")
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
        while agent.ends == 0 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(agent.ends == 1)
        #expect(script.live.count == 1)
    }
}
