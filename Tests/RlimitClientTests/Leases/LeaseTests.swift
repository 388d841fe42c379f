import Foundation
import Glibc
import RlimitModel
import RlimitWire
import ScriptedAgents
import Synchronization
import Testing

@testable import RlimitClient

private let files = Edit.raise(.openFiles, to: 500)

private struct BodyFailed: Error {}

/// What a test does with a granted lease.
private enum LeaseAction: CaseIterable, Sendable { case release, drop, keep, renew }

extension EitherClient {
    /// The properties of a lease after an action.
    fileprivate struct LeaseRecord: Sendable {
        var id: LeaseInfo.ID
        var changes: [Change]
        var rest: Duration?
        var restorations: [Restoration] = []
    }

    fileprivate func lease(
        _ edits: [Edit] = [files], on target: Target = .currentProcess, for duration: Duration? = nil,
        _ action: LeaseAction
    ) async throws -> LeaseRecord {
        switch self {
        case .threads(let client):
            return try await offThread {
                let lease = try client.lease(edits, on: target, for: duration)
                var record = LeaseRecord(id: lease.id, changes: lease.changes, rest: lease.expires.map { $0 - .now })
                switch action {
                case .release: record.restorations = try lease.release()
                case .drop: break
                case .keep: record.id = lease.keep()
                case .renew:
                    try lease.renew(for: .seconds(77))
                    record.rest = lease.expires.map { $0 - .now }
                    _ = lease.keep()
                }
                return record
            }
        case .tasks(let client):
            let lease = try await client.lease(edits, on: target, for: duration)
            var record = LeaseRecord(id: lease.id, changes: lease.changes, rest: lease.expires.map { $0 - .now })
            switch action {
            case .release: record.restorations = try await lease.release()
            case .drop: break
            case .keep: record.id = lease.keep()
            case .renew:
                try await lease.renew(for: .seconds(77))
                record.rest = lease.expires.map { $0 - .now }
                _ = lease.keep()
            }
            return record
        }
    }

    /// Runs a body under a lease, and returns its result.
    fileprivate func withLease(_ body: @escaping @Sendable () throws -> Int) async throws -> Int {
        switch self {
        case .threads(let client): try await offThread { try client.withLease(files) { _ in try body() } }
        case .tasks(let client): try await client.withLease(files) { _ in try body() }
        }
    }
}

@Suite("Leases of both clients", .timeLimit(.minutes(10)))
struct LeaseTests {
    @Test("are granted by the agent, also if the kernel is asked first", arguments: ClientKind.allCases)
    func granted(kind: ClientKind) async throws {
        let agent = try ScriptedAgent(ScriptedLeases())
        let child = try ChildProcess()
        defer { child.end() }
        for strategy in [LimitClient.Strategy.kernelFirst, .agentOnly] {
            let record = try await kind.client(agent, strategy).lease(for: .seconds(600), .keep)
            let expected = Change(
                .openFiles, old: ScriptedLeases.now, new: Limit(500), grantedBy: .agent(rule: "leases"))
            #expect(record.changes == [expected])
            let rest = try #require(record.rest)
            #expect(rest > .seconds(500) && rest <= .seconds(600))
        }
        let both = [files, .raise(.lockedMemory, upTo: .infinity)]
        let bound = try await kind.client(agent).lease(both, on: .process(child.pid), .keep)
        #expect(bound.rest == nil && bound.changes.map(\.resource) == [.openFiles, .lockedMemory])
        let sets = agent.requests.filter { if case .set = $0.request.operation { true } else { false } }
        #expect(sets.map(\.process) == [nil, nil, child.pid])
        let one = EditBatch([NumericEdit(.openFiles, soft: 500, hard: 500, mode: .atLeast)])
        #expect(sets.first?.request.operation == .set(.caller, one, lease: .duration(.seconds(600))))
        guard case .set(.attachedPidfd, let batch, lease: .connection) = sets.last?.request.operation else {
            Issue.record("\(sets)")
            return
        }
        #expect(batch.count == 2)
    }

    @Test("of the maximum request a clamp to infinity, because the agent knows the maximum of a lease")
    func most() async throws {
        let agent = try ScriptedAgent(ScriptedLeases())
        for kind in ClientKind.allCases {
            let edit = try Edit(parsing: "memlock=max")
            _ = try await kind.client(agent).lease([edit, files], for: .seconds(9), .keep)
        }
        let all = NumericEdit(.lockedMemory, soft: .infinity, hard: .infinity, mode: .clamp)
        #expect(agent.requests.count == 2)
        for case .set(_, let batch, _) in agent.leaseRequests { #expect(batch.first == all) }
    }

    @Test("are released once, explicitly or by their handle, and not if they are kept", arguments: ClientKind.allCases)
    func released(kind: ClientKind) async throws {
        for duration in [nil, Duration.seconds(60)] {
            for action in LeaseAction.allCases {
                let script = ScriptedLeases()
                let agent = try ScriptedAgent(script)
                let client = kind.client(agent)
                let record = try await client.lease(for: duration, action)
                let releases = [Request.Operation.leaseRelease(record.id)]
                switch action {
                case .release:
                    #expect(record.restorations == [Restoration(.openFiles, .restored, limit: ScriptedLeases.now)])
                    #expect(agent.leaseRequests.dropFirst() == releases[...])
                case .drop:
                    #expect(await agent.hasBeenAsked(.leaseRelease(record.id)))
                    _ = try await client.leases()
                    #expect(agent.leaseRequests == [agent.leaseRequests[0]] + releases + [.leaseList])
                case .keep, .renew:
                    #expect(try await client.leases().map(\.id) == [record.id])
                    #expect(!agent.leaseRequests.contains(.leaseRelease(record.id)))
                    if action == .renew {
                        #expect(agent.leaseRequests.contains(.leaseRenew(record.id, .duration(.seconds(77)))))
                        #expect(try #require(record.rest) > .seconds(70))
                    }
                }
                #expect(script.live.isEmpty == (action == .release || action == .drop))
            }
        }
    }

    @Test("are renewed and released by id after they were kept", arguments: ClientKind.allCases)
    func byID(kind: ClientKind) async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(script)
        let client = kind.client(agent)
        let id = try await client.lease(for: .seconds(60), .keep).id
        #expect(try await client.renew(id, for: .seconds(5)).remaining == .seconds(5))
        #expect(script.terms == [id: .duration(.seconds(5))])
        #expect(try await client.release(id) == [Restoration(.openFiles, .restored, limit: ScriptedLeases.now)])
        #expect(await code { try await client.release(id) } == .leaseEnded)
        #expect(await code { try await client.renew(id, for: .seconds(5)) } == .leaseEnded)
        #expect(await code { try await client.renew(id, for: .zero) } == .invalidArgument)
        #expect(try await client.leases() == [])
    }

    @Test(
        "of resources that cannot be restored, or with an invalid duration, are refused without a request",
        arguments: ClientKind.allCases)
    func refused(kind: ClientKind) async throws {
        let agent = try ScriptedAgent(ScriptedLeases())
        let client = kind.client(agent)
        let leasable: [Resource] = [
            .openFiles, .lockedMemory, .processes, .coreFileSize, .pendingSignals, .messageQueueBytes,
        ]
        for resource in Resource.allCases where !leasable.contains(resource) {
            let error = await #expect(throws: RlimitError.self) {
                try await client.lease([files, .raise(resource, to: 5)], .release)
            }
            #expect(error?.code == .unsupported && error?.editIndex == 1 && error?.resource == resource)
            #expect(error?.message.contains("nofile") == true)
        }
        for duration in [Duration.zero, .seconds(-1), .seconds(365 * 86_400 + 1)] {
            #expect(await code { try await client.lease(for: duration, .release) } == .invalidArgument)
        }
        #expect(await code { try await client.lease([], .release) } == .invalidArgument)
        #expect(await code { try await client.lease([files, files], .release) } == .invalidArgument)
        #expect(agent.requests.isEmpty)
        for resource in leasable {
            #expect(await code { try await client.lease([.raise(resource, to: 5)], .release) } == nil)
        }
        #expect(await code { try await client.lease(for: .seconds(365 * 86_400), .release) } == nil)
    }

    @Test("without an agent fail as unreachable", arguments: ClientKind.allCases)
    func noAgent(kind: ClientKind) async throws {
        let client = kind.client(at: "/nonexistent/agent.sock", .kernelFirst)
        let error = await #expect(throws: RlimitError.self) { try await client.lease([.set(.openFiles, to: 5)], .drop) }
        #expect(error?.code == .agentUnreachable)
        #expect(error?.message.contains("kernel") == false)
    }

    @Test("end with their body, also with one that throws", arguments: ClientKind.allCases)
    func bodies(kind: ClientKind) async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(script)
        let client = kind.client(agent)
        #expect(try await client.withLease { script.live.count } == 1)
        #expect(script.live.isEmpty)
        await #expect(throws: BodyFailed.self) {
            try await client.withLease {
                #expect(script.live.count == 1)
                throw BodyFailed()
            }
        }
        #expect(script.live.isEmpty)
        // A lease that ended before its body is no error.
        #expect(
            try await client.withLease {
                script.endAll()
                return 5
            } == 5)
    }

    @Test("that the agent has ended throw LEASE_ENDED from then on", arguments: ClientKind.allCases)
    func ended(kind: ClientKind) async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(script)
        switch kind.client(agent) {
        case .threads(let client):
            try await offThread {
                let lease = try client.lease(files)
                script.endAll()
                for _ in 0..<2 {
                    let error = #expect(throws: RlimitError.self) { try lease.renew(for: .seconds(1)) }
                    #expect(error?.code == .leaseEnded)
                }
                let error = #expect(throws: RlimitError.self) { try lease.renew() }
                #expect(error?.code == .leaseEnded)
            }
        case .tasks(let client):
            let lease = try await client.lease(files)
            script.endAll()
            for _ in 0..<2 {
                #expect(await code { try await lease.renew(for: .seconds(1)) } == .leaseEnded)
            }
            do {
                try await lease.release()
                Issue.record("an ended lease was released")
            } catch {
                #expect(error.code == .leaseEnded)
            }
        }
        // One renewal; an ended lease is not released.
        #expect(agent.leaseRequests.count == 2)
    }

    @Test("without a duration are claimed from a new agent by a thread that renews them")
    func claimedByThread() async throws {
        let script = ScriptedLeases()
        let agent = try ScriptedAgent(
            { session in
                guard let request = try session.next() else { return }
                session.send(Response(id: request.id, script.answer(request)))
            }, { session in try script.serve(session) })
        let client = agent.client()
        try await offThread {
            let lease = try client.lease(files)
            while agent.ends == 0 { usleep(1000) }
            try lease.renew()
            #expect(agent.leaseRequests.last == .leaseRenew(lease.id, .connection))
            #expect(agent.connections == 2)
        }
        #expect(await agent.hasBeenAsked(.leaseRelease(ScriptedLeases.id(1))))
    }
}
