import Foundation
import Glibc
import RlimitModel
import RlimitWire
import Synchronization
import Testing

@testable import RlimitClient

private func limits(_ request: Request) -> Reply {
    guard case .get(_, let resources) = request.operation else { return .limits(.none, Limits()) }
    var limits = Limits()
    for resource in resources { limits[resource] = Limit(Limit.Bound(resource.index)) }
    return .limits(resources, limits)
}

@Suite("Tasks that share a client", .timeLimit(.minutes(2)))
struct AsyncConnectionTests {
    @Test("get each its own answer, on one connection, whatever the order")
    func many() async throws {
        let agent = try ScriptedAgent { session in
            // Answers in reverse order what came together.
            var held: [Request] = []
            while let request = try session.next() {
                held.append(request)
                if held.count < 40, session.isReadable(within: 2) { continue }
                for request in held.reversed() {
                    session.send(Response(id: request.id, .success(limits(request))))
                }
                held = []
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<64 {
                group.addTask {
                    for round in 0..<30 {
                        let resource = Resource.allCases[(index + round) % 16]
                        let limit = try await client.limit(resource)
                        #expect(limit == Limit(Limit.Bound(resource.index)))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(agent.connections == 1)
        #expect(agent.requests.count == 1920)
    }

    @Test("have at most 128 requests under way; more wait in order, and may give up before they are sent")
    func inFlight() async throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            var held: [Request] = []
            while held.count < 128, let request = try session.next() { held.append(request) }
            // The time for more to come, if any did.
            #expect(!session.isReadable(within: 100))
            release.wait()
            for request in held { session.send(Response(id: request.id, .success(limits(request)))) }
            try session.serve(limits)
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .seconds(60))
        let child = try ChildProcess()
        defer { child.end() }
        await withTaskGroup(of: RlimitError.Code?.self) { group in
            for _ in 0..<128 { group.addTask { await code { try await client.limit(.openFiles) } } }
            while agent.requests.count < 128 { try? await Task.sleep(for: .milliseconds(2)) }
            for _ in 0..<30 {
                let hasty = client.with(timeout: .milliseconds(20))
                // The descriptor that would go along is closed when the call ends.
                let code = await code { try await hasty.limit(.openFiles, of: .process(child.pid)) }
                #expect(code == .deadlineExceeded)
                if agent.requests.count > 128 { break }
            }
            for _ in 0..<40 { group.addTask { await code { try await client.limit(.stackSize) } } }
            try? await Task.sleep(for: .milliseconds(20))
            #expect(agent.requests.count == 128)
            release.signal()
            for await code in group { #expect(code == nil) }
        }
        // None of those that gave up was sent.
        #expect(agent.requests.count == 168)
        #expect(agent.requests.allSatisfy { $0.process == nil })
    }

    @Test("are cancelled at once, also while they wait, and before they begin")
    func cancelled() async throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                if case .get(_, .all) = request.operation { continue }
                session.send(Response(id: request.id, .success(limits(request))))
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let waiting = Task { await code { try await client.limits() } }
        while agent.requests.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        let start = ContinuousClock.now
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(5))
        let never = Task {
            while !Task.isCancelled { await Task.yield() }
            return await code { try await client.apply(.raise(.openFiles, to: 9)) }
        }
        never.cancel()
        #expect(await never.value == .cancelled)
        // The connection is as good as before, and the edit was not sent.
        #expect(try await client.limit(.openFiles) == Limit(7))
        #expect(agent.requests.count == 2)
        #expect(agent.connections == 1)
    }

    @Test("are cancelled also before a full backlog")
    func cancelledConnecting() async throws {
        let agent = try ScriptedAgent(backlog: 0)
        let fillers = (0..<3).map { _ in
            LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .milliseconds(30))
        }
        for client in fillers { _ = await code { try await client.limit(.openFiles) } }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let waiting = Task { await code { try await client.limit(.openFiles) } }
        try await Task.sleep(for: .milliseconds(30))
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
    }

    @Test("all learn that the connection is lost, and no edit is sent twice", arguments: 0..<20)
    func lost(round: Int) async throws {
        let agent = try ScriptedAgent { session in
            for _ in 0..<50 { _ = try session.next() }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        await withTaskGroup(of: RlimitError.Code?.self) { group in
            for _ in 0..<50 {
                group.addTask { await code { try await client.apply(.set(.openFiles, to: Limit(5))) } }
            }
            for await code in group { #expect(code == .connectionLost) }
        }
        #expect(agent.requests.count == 50)
    }

    @Test("do not wait for each other's slow answers")
    func slowAndFast() async throws {
        let slow = Mutex<UInt64?>(nil)
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                if case .stats = request.operation {
                    slow.withLock { $0 = request.id }
                    continue
                }
                session.send(Response(id: request.id, .success(limits(request))))
                if case .get(_, .all) = request.operation, let id = slow.withLock({ $0 }) {
                    session.send(Response(id: id, .success(.stats(Statistics()))))
                }
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let statistics = Task { try await client.statistics() }
        while slow.withLock({ $0 }) == nil { try await Task.sleep(for: .milliseconds(1)) }
        for _ in 0..<50 { #expect(try await client.limit(.openFiles) == Limit(7)) }
        _ = try await client.limits()
        #expect(try await statistics.value == Statistics())
    }

    @Test("get through to an agent that reads little at a time")
    func fullSocket() async throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            var size: Int32 = 1
            setsockopt(session.number, SOL_SOCKET, SO_RCVBUF, &size, 4)
            release.wait()
            while let request = try session.next() {
                usleep(300)
                session.send(Response(id: request.id, .success(limits(request))))
            }
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
        let edits = Resource.allCases.map { Edit.set($0, to: Limit(1), expecting: Limit(2)) }
        await withTaskGroup(of: RlimitError.Code?.self) { group in
            for _ in 0..<300 {
                group.addTask { await code { try await client.explain(edits) } }
                group.addTask { await code { try await client.limit(.openFiles) } }
            }
            try? await Task.sleep(for: .milliseconds(50))
            release.signal()
            var codes: [RlimitError.Code?: Int] = [:]
            for await code in group { codes[code, default: 0] += 1 }
            #expect(codes == [nil: 300, .malformed: 300])
        }
    }

    @Test("poll where they may, with the same answers")
    func polling() async throws {
        let agent = try ScriptedAgent { session in try session.serve(limits) }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, busyPolling: .microseconds(50))
        let blocking = BlockingLimitClient(socket: agent.socket, strategy: .agentOnly, busyPolling: .microseconds(50))
        #expect(client.busyPolling == .microseconds(50))
        for _ in 0..<2000 { #expect(try await client.limit(.openFiles) == Limit(7)) }
        let told = try await offThread { try (0..<2000).map { _ in try blocking.limit(.openFiles) } }
        #expect(told.allSatisfy { $0 == Limit(7) })
        #expect(await code { try await client.with(timeout: .milliseconds(50)).statistics() } == .malformed)
    }
}
