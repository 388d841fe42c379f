import Foundation
import Glibc
import RlimitModel
import RlimitTesting
import RlimitWire
import ScriptedAgents
import Testing

@testable import RlimitClient

@Suite("A response of the agent", .timeLimit(.minutes(10)))
struct ResponseTests {
    @Test("is decoded byte by byte")
    func bytewise() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                for byte in SampleReplies.bytes(for: request) {
                    session.send([byte])
                    usleep(200)
                }
            }
        }
        let client = agent.client()
        #expect(try client.limit(.openFiles) == SampleReplies.limit)
        #expect(try client.limits() == SampleReplies.limits)
        #expect(agent.connections == 1)
    }

    @Test("to another request is ignored")
    func otherIDs() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                for id in [request.id + 1, request.id + 1000, UInt64.max] {
                    session.send(Response(id: id, .failure(RlimitError(.deniedByPolicy))))
                }
                session.send(SampleReplies.bytes(for: request))
            }
        }
        let client = agent.client()
        for _ in 0..<5 { #expect(try client.limit(.openFiles) == SampleReplies.limit) }
        #expect(agent.connections == 1)
    }

    @Test("that arrives after the deadline is ignored, and the connection stays open")
    func late() throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            guard let first = try session.next() else { return }
            release.wait()
            session.send(Response(id: first.id, .failure(RlimitError(.deniedByPolicy))))
            try session.serve(SampleReplies.read)
        }
        let client = agent.client()
        #expect(code { try client.with(timeout: .milliseconds(50)).limit(.openFiles) } == .deadlineExceeded)
        release.signal()
        #expect(try client.limit(.openFiles) == SampleReplies.limit)
        #expect(agent.connections == 1)
    }

    @Test("that is a refusal is thrown unchanged")
    func refusal() throws {
        let refusal = RlimitError(
            .deniedByPolicy, message: "no rule grants it", resource: .openFiles, editIndex: 0, rule: "few",
            allowed: Limit(5), retryAfter: .milliseconds(1500))
        let agent = try TestAgent()
        agent.failNext(with: refusal)
        #expect(throws: refusal) { try agent.blockingClient.apply(.raise(.openFiles, to: 9)) }
    }

    @Test("in several parts is joined")
    func parts() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                let half = ResourceSet(Resource.allCases.prefix(8)), rest = ResourceSet(Resource.allCases.suffix(8))
                session.send(Response(id: request.id, more: true, .success(.limits(half, SampleReplies.limits))))
                session.send(Response(id: request.id, .success(.limits(rest, SampleReplies.limits))))
            }
        }
        #expect(try agent.client().limits() == SampleReplies.limits)
    }

    @Test(
        "that violates the protocol is MALFORMED",
        arguments: [
            Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), [0, 0, 0, 0], [0, 1, 0, 1], [255, 255, 255, 255],
            [0, 0, 0, 3, 255, 255, 255], [0, 0, 0, 2, 26, 5],
        ])
    func garbage(bytes: [UInt8]) throws {
        let agent = try ScriptedAgent { session in
            _ = try session.next()
            session.send(bytes)
            session.waitForEnd()
        }
        let client = agent.client()
        #expect(code { try client.limit(.openFiles) } == .malformed)
        // The next call neither hangs nor crashes.
        #expect(code { try client.apply(.raise(.openFiles, to: 9)) } == .malformed)
    }

    @Test("that does not fit the request is MALFORMED")
    func otherKind() throws {
        let agent = try ScriptedAgent(showsServerInfo: true) { session in try session.serve { _ in .usage(Usage()) } }
        let client = agent.client()
        #expect(code { try client.limit(.openFiles) } == .malformed)
        #expect(code { try client.apply(.raise(.openFiles, to: 9)) } == .malformed)
        #expect(code { try client.agentInfo() } == .malformed)
        let few = try ScriptedAgent { session in try session.serve { _ in .limits(.none, Limits()) } }
        #expect(code { try few.client().limit(.openFiles) } == .malformed)
    }

    @Test("about the connection itself is thrown by the call")
    func connectionError() throws {
        let full = RlimitError(.quotaExceeded, message: "64 connections are open already")
        let agent = try ScriptedAgent { session in session.send(Response(id: 0, .failure(full))) }
        #expect(throws: full) { try agent.client().limit(.openFiles) }
        #expect(throws: full) { try agent.client().apply(.raise(.openFiles, to: 9)) }
    }
}
