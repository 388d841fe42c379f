import Foundation
import Glibc
import RlimitModel
import RlimitWire
import ScriptedAgents
import Synchronization
import Testing

@testable import RlimitClient

private func limits(_ request: Request) -> Reply {
    guard case .get(_, let resources) = request.operation else { return .limits(.none, Limits()) }
    var limits = Limits()
    for resource in resources { limits[resource] = Limit(Limit.Bound(resource.index)) }
    return .limits(resources, limits)
}

@Suite("Tasks that share a client", .timeLimit(.minutes(10)))
struct AsyncConnectionTests {
    @Test("get their own responses on one connection, in any order")
    func many() async throws {
        let agent = try ScriptedAgent { session in
            // Answers requests that arrived together in reverse order.
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

    @Test("have at most 128 requests in flight; more wait in order, and may time out before they are sent")
    func inFlight() async throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            var held: [Request] = []
            while held.count < 128, let request = try session.next() { held.append(request) }
            // Time for a further request to arrive, if there were one.
            #expect(!session.isReadable(within: 100))
            release.wait()
            for request in held { session.send(Response(id: request.id, .success(limits(request)))) }
            try session.serve(limits)
        }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .seconds(600))
        let child = try ChildProcess()
        defer { child.end() }
        await withTaskGroup(of: RlimitError.Code?.self) { group in
            for _ in 0..<128 { group.addTask { await code { try await client.limit(.openFiles) } } }
            while agent.requests.count < 128 { try? await Task.sleep(for: .milliseconds(2)) }
            for _ in 0..<30 {
                let impatient = client.with(timeout: .milliseconds(20))
                // The descriptor of the unsent request is closed when the call ends.
                let code = await code { try await impatient.limit(.openFiles, of: .process(child.pid)) }
                #expect(code == .deadlineExceeded)
                if agent.requests.count > 128 { break }
            }
            for _ in 0..<40 { group.addTask { await code { try await client.limit(.stackSize) } } }
            try? await Task.sleep(for: .milliseconds(20))
            #expect(agent.requests.count == 128)
            release.signal()
            for await code in group { #expect(code == nil) }
        }
        // None of the timed out calls was sent.
        #expect(agent.requests.count == 168)
        #expect(agent.requests.allSatisfy { $0.process == nil })
    }

    @Test("are cancelled at once, during their wait and before they begin")
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
        #expect(ContinuousClock.now - start < .seconds(60))
        let never = Task {
            while !Task.isCancelled { await Task.yield() }
            return await code { try await client.apply(.raise(.openFiles, to: 9)) }
        }
        never.cancel()
        #expect(await never.value == .cancelled)
        // The connection still works, and the edit was not sent.
        #expect(try await client.limit(.openFiles) == Limit(7))
        #expect(agent.requests.count == 2)
        #expect(agent.connections == 1)
    }

    @Test("are cancelled while they wait for a full backlog")
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

    @Test("all fail when the connection is lost, and no edit is sent twice", arguments: 0..<20)
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

    @Test("do not wait for each other's slow responses")
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

    @Test("complete with an agent that reads slowly")
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

    @Test("poll with the same results")
    func polling() async throws {
        let agent = try ScriptedAgent { session in try session.serve(limits) }
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, busyPolling: .microseconds(50))
        let blocking = BlockingLimitClient(socket: agent.socket, strategy: .agentOnly, busyPolling: .microseconds(50))
        #expect(client.busyPolling == .microseconds(50))
        for _ in 0..<2000 { #expect(try await client.limit(.openFiles) == Limit(7)) }
        let polled = try await offThread { try (0..<2000).map { _ in try blocking.limit(.openFiles) } }
        #expect(polled.allSatisfy { $0 == Limit(7) })
        #expect(await code { try await client.with(timeout: .milliseconds(50)).statistics() } == .malformed)
    }
}
