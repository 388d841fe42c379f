import Foundation
import Glibc
import RlimitModel
import RlimitWire
import ScriptedAgents
import Testing

@testable import RlimitClient

@Suite("An agent that closes the connection", .timeLimit(.minutes(10)))
struct LostAgentTests {
    // When the agent closes the connection.
    enum Point: CaseIterable {
        case atOnce, afterHeader, afterRequest, amidAnswer
    }

    private static func script(_ point: Point) -> ScriptedAgent.Script {
        { session in
            switch point {
            case .atOnce: return
            case .afterHeader:
                var bytes = [UInt8](repeating: 0, count: 4)
                recv(session.number, &bytes, 4, 0)
            case .afterRequest: _ = try session.next()
            case .amidAnswer:
                guard let request = try session.next() else { return }
                session.send(SampleReplies.bytes(for: request).dropLast())
            }
        }
    }

    @Test("A lost agent receives a reading request once more", arguments: Point.allCases)
    func read(point: Point) throws {
        let agent = try ScriptedAgent(Self.script(point)) { session in try session.serve(SampleReplies.read) }
        #expect(try agent.client().limit(.openFiles) == SampleReplies.limit)
        #expect(agent.connections == 2)
    }

    @Test("A lost agent receives a reading request at most twice", arguments: Point.allCases)
    func readTwice(point: Point) throws {
        let agent = try ScriptedAgent(Self.script(point))
        let code = code { try agent.client().limit(.openFiles) }
        #expect(code == .connectionLost || code == .agentUnreachable)
        #expect(agent.connections == 2)
    }

    @Test(
        "A lost agent never receives an edit again that it may have made", arguments: [Point.afterRequest, .amidAnswer])
    func edit(point: Point) throws {
        let agent = try ScriptedAgent(Self.script(point)) { session in try session.serve(SampleReplies.change) }
        let client = agent.client()
        #expect(code { try client.apply(.raise(.openFiles, to: 9)) } == .connectionLost)
        #expect(agent.requests.count == 1)
        // The next call opens a new connection.
        #expect(try client.apply(.raise(.openFiles, to: 100)).new == Limit(100))
        #expect(agent.requests.count == 2)
    }

    @Test("An agent that is lost before it has read an edit makes the edit at most once")
    func editUnread() throws {
        for _ in 0..<50 {
            let agent = try ScriptedAgent(Self.script(.atOnce)) { session in try session.serve(SampleReplies.change) }
            let code = code { try agent.client().apply(.raise(.openFiles, to: 100)) }
            #expect(code == nil || code == .connectionLost)
            #expect(agent.requests.count == (code == nil ? 1 : 0))
        }
    }

    @Test("A lost agent is replaced by a new agent, which alone receives the next edit")
    func restart() throws {
        let first = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(SampleReplies.bytes(for: request))
            // The connection closes.
        }
        let client = first.client()
        #expect(try client.limit(.openFiles) == SampleReplies.limit)
        first.stop()
        while first.ends == 0 { usleep(500) }
        let second = try ScriptedAgent(takingOver: first) { session in try session.serve(SampleReplies.change) }
        #expect(try client.apply(.raise(.openFiles, to: 100)).new == Limit(100))
        #expect(first.requests.count == 1)
        #expect(second.requests.count == 1)
    }

    @Test("An agent that is lost and does not return is unreachable, with a message that says so")
    func gone() throws {
        let agent = try ScriptedAgent { session in try session.serve(SampleReplies.read) }
        let client = agent.client()
        _ = try client.limit(.openFiles)
        agent.stop()
        client.close()
        let error = #expect(throws: RlimitError.self) { try client.limit(.openFiles) }
        #expect(error?.code == .agentUnreachable)
        #expect(error?.errno == ECONNREFUSED)
        #expect(error?.message.contains(agent.path) == true)
        #expect(error?.message.contains("connect: Connection refused") == true)
    }
}
