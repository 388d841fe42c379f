import Foundation
import Glibc
import RlimitModel
import RlimitTesting
import RlimitWire
import ScriptedAgents
import Testing

@testable import RlimitClient

@Suite("The deadline of a call", .timeLimit(.minutes(10)))
struct DeadlineTests {
    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    @Test("covers an agent that does not answer")
    func silent() throws {
        let agent = try ScriptedAgent { session in session.waitForEnd() }
        let client = agent.client(timeout: .milliseconds(100))
        let taken = seconds { #expect(code { try client.limit(.openFiles) } == .deadlineExceeded) }
        #expect(taken >= 0.1 && taken < 60)
    }

    @Test("covers an agent that sends half a response")
    func half() throws {
        let agent = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(SampleReplies.bytes(for: request).prefix(7))
            session.waitForEnd()
        }
        let client = agent.client(timeout: .milliseconds(100))
        let taken = seconds { #expect(code { try client.limit(.openFiles) } == .deadlineExceeded) }
        #expect(taken >= 0.1 && taken < 60)
    }

    @Test("covers an agent that keeps sending other responses")
    func chatter() throws {
        let agent = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            // Ends when the client has closed the connection.
            while !session.isReadable(within: 0) {
                session.send(Response(id: request.id + 7, .success(SampleReplies.read(request))))
            }
        }
        let client = agent.client(timeout: .milliseconds(100))
        let taken = seconds { #expect(code { try client.limit(.openFiles) } == .deadlineExceeded) }
        #expect(taken >= 0.1 && taken < 60)
    }

    @Test("covers an agent that accepts no connection")
    func backlog() throws {
        let agent = try ScriptedAgent(backlog: 0)
        var clients: [BlockingLimitClient] = []
        var codes: [RlimitError.Code?] = []
        let taken = seconds {
            for _ in 0..<4 {
                clients.append(agent.client(timeout: .milliseconds(100)))
                codes.append(code { try clients.last?.limit(.openFiles) })
            }
        }
        #expect(codes.allSatisfy { $0 == .deadlineExceeded })
        #expect(taken >= 0.4 && taken < 60)
    }

    @Test("covers the wait for another thread that connects")
    func behindAnother() throws {
        let agent = try ScriptedAgent(backlog: 0)
        // Fills the backlog, so that connecting takes until the deadline.
        let filler = (0..<2).map { _ in agent.client(timeout: .milliseconds(20)) }
        for client in filler { _ = code { try client.limit(.openFiles) } }
        let client = agent.client()
        let slow = Thread { _ = code { try client.with(timeout: .seconds(120)).limit(.openFiles) } }
        slow.start()
        usleep(50_000)
        let taken = seconds {
            #expect(code { try client.with(timeout: .milliseconds(100)).limit(.openFiles) } == .deadlineExceeded)
        }
        #expect(taken < 60)
    }

    @Test("that has passed sends nothing")
    func passed() throws {
        let agent = try ScriptedAgent { session in try session.serve(SampleReplies.change) }
        #expect(code { try agent.client(timeout: .zero).apply(.raise(.openFiles, to: 9)) } == .deadlineExceeded)
        #expect(code { try agent.client(timeout: .seconds(-5)).limit(.openFiles) } == .deadlineExceeded)
        #expect(agent.requests.isEmpty)
    }

    @Test("can be infinite, or centuries away")
    func without() throws {
        let agent = try TestAgent(limits: [.openFiles: SampleReplies.limit])
        #expect(try agent.blockingClient.with(timeout: nil).limit(.openFiles) == SampleReplies.limit)
        #expect(try agent.blockingClient.with(timeout: .seconds(Int64.max)).limit(.openFiles) == SampleReplies.limit)
    }

    @Test("is sent to the agent")
    func sent() throws {
        let agent = try ScriptedAgent { session in try session.serve(SampleReplies.read) }
        _ = try agent.client(timeout: .seconds(3)).limit(.openFiles)
        _ = try agent.client(timeout: nil).limit(.openFiles)
        let timeouts = agent.requests.map(\.request.timeout)
        #expect(timeouts.count == 2)
        #expect(timeouts[0].map { $0 > .seconds(2) && $0 <= .seconds(3) } == true)
        #expect(timeouts[1] == nil)
    }
}
