import Foundation
import Glibc
import RlimitModel
import RlimitTesting
import RlimitWire
import ScriptedAgents
import Synchronization
import Testing

@testable import RlimitClient

@Suite("Threads that share a client", .timeLimit(.minutes(10)))
struct SharingTests {
    @Test("get their own responses on one connection, in any order")
    func many() throws {
        let agent = try ScriptedAgent { session in
            // Answers pairs of requests, the later one first, if a second one arrives.
            var held: Request?
            func respond(to request: Request) {
                guard case .get(_, let resources) = request.operation else { return }
                var limits = Limits()
                for resource in resources { limits[resource] = Limit(Limit.Bound(resource.index)) }
                session.send(Response(id: request.id, .success(.limits(resources, limits))))
            }
            while true {
                if let earlier = held {
                    held = nil
                    if session.isReadable(within: 1), let request = try session.next() { respond(to: request) }
                    respond(to: earlier)
                } else {
                    held = try session.next()
                    if held == nil { return }
                }
            }
        }
        let client = agent.client()
        let wrong = Mutex(0)
        let group = DispatchGroup()
        for index in 0..<8 {
            group.enter()
            Thread.detachNewThread {
                let resource = Resource.allCases[index]
                for _ in 0..<200 {
                    let limit = try? client.limit(resource)
                    if limit != Limit(Limit.Bound(index)) { wrong.withLock { $0 += 1 } }
                }
                group.leave()
            }
        }
        group.wait()
        #expect(wrong.withLock { $0 } == 0)
        #expect(agent.connections == 1)
        #expect(agent.requests.count == 1600)
    }

    @Test("do not wait for each other's slow responses")
    func slowAndFast() throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent(showsServerInfo: true) { session in
            while let request = try session.next() {
                guard case .serverInfo = request.operation else {
                    session.send(SampleReplies.bytes(for: request))
                    continue
                }
                Thread.detachNewThread {
                    release.wait()
                    session.send(Response(id: request.id, .failure(RlimitError(.internalError))))
                }
            }
        }
        let client = agent.client()
        let slow = Mutex<RlimitError.Code?>(nil)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let result = code { try client.agentInfo() }
            slow.withLock { $0 = result }
            done.signal()
        }
        while agent.requests.isEmpty { usleep(500) }
        for _ in 0..<20 { #expect(try client.limit(.openFiles) == SampleReplies.limit) }
        #expect(slow.withLock { $0 } == nil)
        release.signal()
        done.wait()
        #expect(slow.withLock { $0 } == .internalError)
        #expect(agent.connections == 1)
    }

    @Test("open one connection, also if they call at once")
    func oneConnection() throws {
        let agent = try TestAgent()
        let client = agent.blockingClient
        DispatchQueue.concurrentPerform(iterations: 16) { _ in #expect(code { try client.limits() } == nil) }
        #expect(try client.statistics().acceptedConnections == 1)
        #expect(try client.with(timeout: nil).with(strategy: .agentOnly).limits() == agent.limits)
        #expect(try client.statistics().acceptedConnections == 1)
    }

    @Test("can close the connection during other calls")
    func closing() throws {
        let agent = try TestAgent(limits: [.openFiles: SampleReplies.limit])
        let client = agent.blockingClient
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            for _ in 0..<50 {
                if index == 0 { client.close() } else { #expect(code { try client.limits() } == nil) }
            }
        }
        client.close()
        #expect(try client.limit(.openFiles) == SampleReplies.limit)
    }
}
