import Foundation
import RlimitClient
import RlimitTesting
import Synchronization
import Testing

@Suite("An error that a test ordered", .timeLimit(.minutes(10)))
struct FailNextTests {
    private let agent: TestAgent
    private let client: BlockingLimitClient

    init() throws {
        agent = try TestAgent(ceilings: [.nice: 20])
        client = agent.blockingClient
    }

    @Test("An ordered error comes once, as the protocol carries it, and nothing is done")
    func once() throws {
        let ordered = RlimitError(
            .quotaExceeded, message: "that is enough", resource: .nice, editIndex: 0, rule: "few", allowed: Limit(5),
            retryAfter: .milliseconds(1500))
        agent.failNext(with: ordered)
        #expect(error { try client.raise(.nice, to: 10) } == ordered)
        #expect(agent.limits[.nice] == Limit(0))
        #expect(try client.raise(.nice, to: 10).new == Limit(10))
    }

    @Test("An ordered error answers the next request of any client, and several come in order")
    func several() throws {
        agent.failNext(with: RlimitError(.conflict))
        agent.failNext(with: RlimitError(.targetChanged))
        #expect(try agent.blockingClient.agentInfo().version == productVersion)
        #expect(error { try agent.blockingClient.limits() }?.code == .conflict)
        #expect(error { try client.limits() }?.code == .targetChanged)
        #expect(error { try client.limits() } == nil)
    }

    @Test(
        "An ordered error may have any code of an agent",
        arguments: RlimitError.Code.allCases.filter {
            ![.connectionLost, .agentUnreachable, .untrustedSocket, .cancelled].contains($0)
        })
    func codes(code: RlimitError.Code) throws {
        let plain = RlimitError(code)
        agent.failNext(with: plain)
        #expect(error { try client.raise(.nice, to: 10) } == plain)
        #expect(agent.limits[.nice] == Limit(0))
        // The agent closes the connection after a malformed frame.
        let next = code == .malformed ? agent.blockingClient : client
        #expect(try next.raise(.nice, to: 10).new == Limit(10))
    }

    @Test(
        "An ordered code that only a client has arrives as INTERNAL_ERROR",
        arguments: [RlimitError.Code.agentUnreachable, .cancelled])
    func clientCodes(code: RlimitError.Code) throws {
        agent.failNext(with: RlimitError(code))
        #expect(error { try client.raise(.nice, to: 10) }?.code == .internalError)
    }

    @Test("After an ordered loss of the connection, an edit is not sent again, and a read is")
    func connectionLost() throws {
        agent.failNext(with: RlimitError(.connectionLost))
        #expect(error { try client.raise(.nice, to: 10) }?.code == .connectionLost)
        #expect(agent.limits[.nice] == Limit(0))
        agent.failNext(with: RlimitError(.connectionLost))
        #expect(try client.limit(.nice) == Limit(0))
        #expect(try client.raise(.nice, to: 10).new == Limit(10))
    }
}

@Suite("The clock of an agent for tests", .timeLimit(.minutes(10)))
struct ClockTests {
    @Test("The clock refills the request rate when the test moves it, and not before")
    func rate() throws {
        let agent = try TestAgent()
        let client = agent.blockingClient
        // The bucket refills while the test runs, more slowly than the test takes from it.
        func refusal() -> RlimitError? {
            for _ in 0..<100_000 { if let error = error({ try client.limit(.nice) }) { return error } }
            return nil
        }
        let first = try #require(refusal())
        #expect(first.code == .rateLimited)
        #expect(first.message == "more than 1000 requests a second; try again later")
        #expect(first.retryAfter.map { $0 <= .milliseconds(1) } == true)
        agent.advance(by: .seconds(-5))
        agent.advance(by: .seconds(1))
        for _ in 0..<999 { _ = try client.limit(.nice) }
        let uptime = try client.statistics().uptime
        #expect(uptime > .seconds(1) && uptime < .seconds(60))
    }
}

@Suite("Connections that a test drops", .timeLimit(.minutes(10)))
struct DropTests {
    @Test("Dropped connections are closed at once, and the next call connects again")
    func again() throws {
        let agent = try TestAgent(ceilings: [.nice: 20])
        let clients = (0..<5).map { _ in agent.blockingClient }
        for round in 1...10 {
            for client in clients { try client.raise(.nice, to: Limit.Bound(round)) }
            #expect(try clients[0].statistics().connections == 5)
            agent.dropConnections()
            #expect(try agent.blockingClient.statistics().connections == 1)
            agent.dropConnections()
        }
        #expect(agent.limits[.nice] == Limit(10))
    }

    @Test("Each thread that waits on a dropped connection gets an error or a reply")
    func underLoad() throws {
        let agent = try TestAgent(ceilings: [.nice: 40])
        let lost = Mutex(0), made = Mutex(0), others = Mutex<[RlimitError]>([])
        let isOver = Mutex(false)
        let group = DispatchGroup()
        for _ in 0..<4 {
            group.enter()
            Thread.detachNewThread {
                let client = agent.blockingClient
                while !isOver.withLock({ $0 }) {
                    let error = error { try client.apply(.set(.nice, soft: 0)) }
                    switch error?.code {
                    case nil: made.withLock { $0 += 1 }
                    case .connectionLost: lost.withLock { $0 += 1 }
                    case .rateLimited: agent.advance(by: .seconds(1))
                    default: others.withLock { $0 += error.map { [$0] } ?? [] }
                    }
                }
                group.leave()
            }
        }
        let end = ContinuousClock.now + .milliseconds(500)
        while ContinuousClock.now < end { agent.dropConnections() }
        isOver.withLock { $0 = true }
        group.wait()
        #expect(made.withLock { $0 } > 0)
        // A client that loses two connections in a row throws agentUnreachable.
        #expect(others.withLock { $0.filter { $0.code != .agentUnreachable } } == [])
    }

    @Test("Tasks that share a dropped connection get an error or a reply")
    func tasks() async throws {
        let agent = try TestAgent(ceilings: [.nice: 40])
        // Tasks may wait long on a busy machine.
        let client = agent.client.with(timeout: nil)
        let dropper = Task.detached {
            while !Task.isCancelled {
                agent.dropConnections()
                agent.advance(by: .seconds(1))
                // Leaves the processors to the other tasks for some time.
                try? await Task.sleep(for: .microseconds(200))
            }
        }
        let codes = await withTaskGroup(of: [RlimitError.Code?].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var codes: [RlimitError.Code?] = []
                    for _ in 0..<50 {
                        do throws(RlimitError) {
                            try await client.apply(.set(.nice, soft: 0))
                            codes.append(nil)
                        } catch {
                            codes.append(error.code)
                        }
                    }
                    return codes
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        dropper.cancel()
        await dropper.value
        #expect(codes.count == 400)
        let expected: Set<RlimitError.Code?> = [nil, .connectionLost, .agentUnreachable, .rateLimited]
        #expect(Set(codes).isSubset(of: expected), "\(Set(codes))")
        #expect(try await client.limits() == agent.limits)
    }

    @Test("Connections that several threads drop at once are all closed")
    func together() throws {
        let agent = try TestAgent()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<20 { agent.dropConnections() }
        }
        #expect(error { try agent.blockingClient.limits() } == nil)
    }
}
