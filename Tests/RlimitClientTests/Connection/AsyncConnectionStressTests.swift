import Foundation
import Glibc
import RlimitModel
import RlimitWire
import ScriptedAgents
import Synchronization
import Testing

@testable import RlimitClient

// An agent that misbehaves in every way that the protocol permits, and closes the connection at times.
private func misbehave(_ session: ScriptedSession) throws {
    var generator = SystemRandomNumberGenerator()
    var held: [Request] = []
    let life = Int.random(in: 20...400, using: &generator)
    var served = 0
    while let request = try session.next() {
        held.append(request)
        served += 1
        if held.count < 64, Int.random(in: 0..<3, using: &generator) > 0, session.isReadable(within: 1) { continue }
        held.shuffle(using: &generator)
        while let request = held.popLast() {
            guard case .get(_, let resources) = request.operation else { continue }
            var limits = Limits()
            for resource in resources { limits[resource] = Limit(Limit.Bound(resource.index)) }
            let bytes = ScriptedSession.bytes(of: Response(id: request.id, .success(.limits(resources, limits))))
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: continue  // No response.
            case 1:
                session.send(bytes.prefix(5))
                usleep(300)
                session.send(bytes.dropFirst(5))
            case 2: held.insert(request, at: 0)
            default: session.send(bytes)
            }
            if served > life {
                // Closes the connection in the middle of a frame.
                session.send(bytes.dropLast(3))
                return
            }
            if held.count == 1, Int.random(in: 0..<2, using: &generator) == 0 { break }
        }
    }
}

private final class Tally: Sendable {
    let ends = Mutex<[RlimitError.Code?: Int]>([:])
    let wrong = Mutex(0)

    func count(_ end: RlimitError.Code?) { ends.withLock { $0[end, default: 0] += 1 } }
}

@Suite("Thousands of calls", .timeLimit(.minutes(10)))
struct AsyncConnectionStressTests {
    @Test(
        "end exactly once each, with their own response or a typed error, whatever the agent does",
        arguments: [false, true])
    func stress(onExecutor: Bool) async throws {
        let agent = try ScriptedAgent(misbehave)
        let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: .milliseconds(300))
        let tally = Tally()
        let executor = onExecutor ? LimitClient.executor : nil
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<60 {
                group.addTask(executorPreference: executor) {
                    for round in 0..<60 { tally.count(await Self.call(client, lane, round, tally, executor)) }
                }
            }
        }
        let counts = tally.ends.withLock { $0 }
        #expect(counts.values.reduce(0, +) == 3600)
        #expect(tally.wrong.withLock { $0 } == 0)
        let allowed: Set<RlimitError.Code?> = [nil, .cancelled, .deadlineExceeded, .connectionLost, .agentUnreachable]
        #expect(allowed.isSuperset(of: counts.keys), "\(counts)")
        // The test is meaningful only if every outcome occurred.
        #expect((counts[nil] ?? 0) > 300 && (counts[.cancelled] ?? 0) > 50, "\(counts)")
        #expect((counts[.deadlineExceeded] ?? 0) > 50 && agent.connections > 3, "\(counts)")
    }

    // One call, which may be cancelled, closed or time out.
    private static func call(
        _ client: LimitClient, _ lane: Int, _ round: Int, _ tally: Tally, _ executor: (any TaskExecutor)?
    ) async -> RlimitError.Code? {
        let resource = Resource.allCases[(lane + round) % 16]
        let caller = round % 3 == 0 ? client.with(timeout: .milliseconds(round % 20)) : client
        let call = Task(executorPreference: executor) { () -> RlimitError.Code? in
            await code {
                let limit = try await caller.limit(resource)
                if limit != Limit(Limit.Bound(resource.index)) { tally.wrong.withLock { $0 += 1 } }
                return limit
            }
        }
        switch (lane + round) % 7 {
        case 0: call.cancel()
        case 1:
            try? await Task.sleep(for: .microseconds(lane * 20))
            call.cancel()
        case 2 where round % 10 == 0: client.close()
        default: break
        }
        return await call.value
    }

    @Test("leave no descriptor and no connection open")
    func descriptors() async throws {
        func open() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(Response(id: request.id, .success(.limits(.all, Limits(repeating: Limit(1))))))
            }
        }
        let seen = Mutex(0)
        func round() async throws {
            let client = LimitClient(socket: agent.socket, strategy: .agentOnly, timeout: nil)
            _ = try await client.limit(.openFiles)
            seen.withLock { $0 = max($0, open()) }
        }
        try await round()
        let before = open()
        for _ in 0..<100 { try await round() }
        // Other tests run in parallel; a leak would leave two descriptors each round.
        #expect(seen.withLock { $0 } > 0)
        #expect(open() < before + 150)
    }
}
