import Foundation
import RlimitClient
import RlimitTesting
import Testing

@Suite("Agents for tests", .timeLimit(.minutes(10)))
struct LifeTests {
    @Test("Several agents run side by side, each with limits of its own")
    func manyAtOnce() throws {
        let agents = try (0..<20).map { try TestAgent(limits: [.nice: Limit(Limit.Bound($0))]) }
        #expect(Set(agents.map(\.socket.path)).count == 20)
        DispatchQueue.concurrentPerform(iterations: 20) { place in
            for _ in 0..<20 {
                let limit = try? agents[place].blockingClient.limit(.nice)
                #expect(limit == Limit(Limit.Bound(place)))
            }
        }
    }

    @Test("An agent serves many threads, over one connection or one for each")
    func manyThreads() throws {
        let agent = try TestAgent(ceilings: [.nice: 40])
        let shared = agent.blockingClient
        DispatchQueue.concurrentPerform(iterations: 16) { place in
            let client = place < 8 ? agent.blockingClient : shared
            for _ in 0..<20 { #expect(error { try client.raise(.nice, to: 40) } == nil) }
        }
        #expect(agent.limits[.nice] == Limit(40))
    }

    @Test("An agent accepts 64 connections, as rlimitd does")
    func connections() throws {
        let agent = try TestAgent()
        let clients = (0..<64).map { _ in agent.blockingClient }
        for client in clients { _ = try client.limit(.nice) }
        let refusal = error { try agent.blockingClient.limit(.nice) }
        #expect(refusal?.code == .quotaExceeded)
        clients[0].close()
        // The agent notices the close later.
        let deadline = ContinuousClock.now + .seconds(20)
        while error({ try agent.blockingClient.limit(.nice) }) != nil, ContinuousClock.now < deadline { usleep(1000) }
        #expect(error { try agent.blockingClient.limit(.nice) } == nil)
    }

    @Test("An agent stops with its last reference, and a later call finds no agent")
    func gone() throws {
        var agent: TestAgent? = try TestAgent()
        let client = try #require(agent?.blockingClient)
        let socket = try #require(agent?.socket)
        _ = try client.limits()
        agent = nil
        #expect(error { try client.limits() }?.code == .agentUnreachable)
        #expect(!FileManager.default.fileExists(atPath: (socket.path as NSString).deletingLastPathComponent))
    }

    @Test("An agent leaves no thread, no descriptor and no folder behind, whatever was in progress")
    func nothingLeft() throws {
        let (lines, status) = try testingProbe("life")
        #expect(status == 0)
        #expect(
            lines == [
                "before: 0 threads, 0 descriptors, 0 folders",
                // An epoll, an eventfd, a listener and a pidfd, and both ends of three connections.
                "5 agents: 5 threads, 50 descriptors, 5 folders",
                "after: 0 threads, 0 descriptors, 0 folders",
                "gone amid calls: 0 threads, 0 descriptors, 0 folders",
                "gone amid half a frame: 0 threads, 0 descriptors, 0 folders",
            ])
    }

    @Test("An agent that cannot be made throws the reason, and leaves nothing behind")
    func notMade() throws {
        let (lines, status) = try testingProbe("no-folder")
        #expect(status == 0)
        #expect(
            lines == [
                "no agent for this test: mkdtemp: No such file or directory (internalError, 2)",
                "no agent for this test: eventfd: Too many open files (internalError, 24)",
                "after: 0 threads, 0 descriptors, 0 folders",
            ])
    }
}
