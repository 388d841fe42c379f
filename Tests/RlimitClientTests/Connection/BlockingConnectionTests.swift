import Foundation
import Glibc
import RlimitModel
import RlimitTesting
import RlimitWire
import Synchronization
import Testing

@testable import RlimitClient

private let someLimit = Limit(soft: 77, hard: 99)
private let someLimits = Limits(repeating: someLimit)

private func limits(_ request: Request) -> Reply { .limits(.all, someLimits) }

private func change(_ request: Request) -> Reply {
    guard case .set(_, let batch, _) = request.operation else { return .limits(.all, someLimits) }
    return .changes(
        batch.map {
            Change($0.resource, old: someLimit, new: $0.applied(to: someLimit), grantedBy: .agent(rule: "script"))
        })
}

private func code(_ body: () throws -> some Any) -> RlimitError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? RlimitError)?.code
    }
}

private func answer(_ request: Request) -> [UInt8] {
    ScriptedSession.bytes(of: Response(id: request.id, .success(limits(request))))
}

@Suite("Answers of the agent", .timeLimit(.minutes(1)))
struct AnswerTests {
    @Test("are understood byte by byte")
    func bytewise() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                for byte in answer(request) {
                    session.send([byte])
                    usleep(200)
                }
            }
        }
        let client = agent.client()
        #expect(try client.limit(.openFiles) == someLimit)
        #expect(try client.limits() == someLimits)
        #expect(agent.connections == 1)
    }

    @Test("to other requests are dropped")
    func otherIDs() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                for id in [request.id + 1, request.id + 1000, UInt64.max] {
                    session.send(Response(id: id, .failure(RlimitError(.deniedByPolicy))))
                }
                session.send(answer(request))
            }
        }
        let client = agent.client()
        for _ in 0..<5 { #expect(try client.limit(.openFiles) == someLimit) }
        #expect(agent.connections == 1)
    }

    @Test("that come too late are dropped, and the connection goes on")
    func late() throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            guard let first = try session.next() else { return }
            release.wait()
            session.send(Response(id: first.id, .failure(RlimitError(.deniedByPolicy))))
            try session.serve(limits)
        }
        let client = agent.client()
        #expect(code { try client.with(timeout: .milliseconds(50)).limit(.openFiles) } == .deadlineExceeded)
        release.signal()
        #expect(try client.limit(.openFiles) == someLimit)
        #expect(agent.connections == 1)
    }

    @Test("that say no are thrown as they are")
    func refusal() throws {
        let refusal = RlimitError(
            .deniedByPolicy, message: "no rule grants it", resource: .openFiles, editIndex: 0, rule: "few",
            allowed: Limit(5), retryAfter: .milliseconds(1500))
        let agent = try TestAgent()
        agent.failNext(with: refusal)
        #expect(throws: refusal) { try agent.blockingClient.apply(.raise(.openFiles, to: 9)) }
    }

    @Test("in several parts are put together")
    func parts() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                let half = ResourceSet(Resource.allCases.prefix(8)), rest = ResourceSet(Resource.allCases.suffix(8))
                session.send(Response(id: request.id, more: true, .success(.limits(half, someLimits))))
                session.send(Response(id: request.id, .success(.limits(rest, someLimits))))
            }
        }
        #expect(try agent.client().limits() == someLimits)
    }

    @Test(
        "that are not the protocol are a fault of whoever listens there",
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
        // And neither hang nor crash when asked again.
        #expect(code { try client.apply(.raise(.openFiles, to: 9)) } == .malformed)
    }

    @Test("of another kind than was asked for are a fault")
    func otherKind() throws {
        let agent = try ScriptedAgent { session in try session.serve { _ in .usage(Usage()) } }
        let client = agent.client()
        #expect(code { try client.limit(.openFiles) } == .malformed)
        #expect(code { try client.apply(.raise(.openFiles, to: 9)) } == .malformed)
        #expect(code { try client.agentInfo() } == .malformed)
        let few = try ScriptedAgent { session in try session.serve { _ in .limits(.none, Limits()) } }
        #expect(code { try few.client().limit(.openFiles) } == .malformed)
    }

    @Test("about the connection itself are told to who asked")
    func connectionError() throws {
        let full = RlimitError(.quotaExceeded, message: "64 connections are open already")
        let agent = try ScriptedAgent { session in session.send(Response(id: 0, .failure(full))) }
        #expect(throws: full) { try agent.client().limit(.openFiles) }
        #expect(throws: full) { try agent.client().apply(.raise(.openFiles, to: 9)) }
    }
}

@Suite("An agent that goes away", .timeLimit(.minutes(1)))
struct LostAgentTests {
    // What an agent may have done when it dies.
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
                session.send(answer(request).dropLast())
            }
        }
    }

    @Test("is asked once more where the question only reads", arguments: Point.allCases)
    func read(point: Point) throws {
        let agent = try ScriptedAgent(Self.script(point)) { session in try session.serve(limits) }
        #expect(try agent.client().limit(.openFiles) == someLimit)
        #expect(agent.connections == 2)
    }

    @Test("is asked once more and not for ever", arguments: Point.allCases)
    func readTwice(point: Point) throws {
        let agent = try ScriptedAgent(Self.script(point))
        let code = code { try agent.client().limit(.openFiles) }
        #expect(code == .connectionLost || code == .agentUnreachable)
        #expect(agent.connections == 2)
    }

    @Test("is never sent an edit twice that it may have made", arguments: [Point.afterRequest, .amidAnswer])
    func edit(point: Point) throws {
        let agent = try ScriptedAgent(Self.script(point)) { session in try session.serve(change) }
        let client = agent.client()
        #expect(code { try client.apply(.raise(.openFiles, to: 9)) } == .connectionLost)
        #expect(agent.requests.count == 1)
        // The next call finds the new one.
        #expect(try client.apply(.raise(.openFiles, to: 100)).new == Limit(100))
        #expect(agent.requests.count == 2)
    }

    @Test("before it can have read an edit may or may not be sent it again, but makes it at most once")
    func editUnread() throws {
        for _ in 0..<50 {
            let agent = try ScriptedAgent(Self.script(.atOnce)) { session in try session.serve(change) }
            let code = code { try agent.client().apply(.raise(.openFiles, to: 100)) }
            #expect(code == nil || code == .connectionLost)
            #expect(agent.requests.count == (code == nil ? 1 : 0))
        }
    }

    @Test("is reconnected to, and an edit is entrusted to the new one alone")
    func restart() throws {
        let first = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(answer(request))
            // Falls silent, and its connection is closed.
        }
        let client = first.client()
        #expect(try client.limit(.openFiles) == someLimit)
        first.stop()
        while first.ends == 0 { usleep(500) }
        let second = try ScriptedAgent(takingOver: first) { session in try session.serve(change) }
        #expect(try client.apply(.raise(.openFiles, to: 100)).new == Limit(100))
        #expect(first.requests.count == 1)
        #expect(second.requests.count == 1)
    }

    @Test("and does not come back is not reachable, as the message says")
    func gone() throws {
        let agent = try ScriptedAgent { session in try session.serve(limits) }
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

@Suite("The time for a call", .timeLimit(.minutes(1)))
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
        #expect(taken >= 0.1 && taken < 5)
    }

    @Test("covers an agent that begins to answer")
    func half() throws {
        let agent = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(answer(request).prefix(7))
            session.waitForEnd()
        }
        let client = agent.client(timeout: .milliseconds(100))
        let taken = seconds { #expect(code { try client.limit(.openFiles) } == .deadlineExceeded) }
        #expect(taken >= 0.1 && taken < 5)
    }

    @Test("covers an agent that says everything else")
    func chatter() throws {
        let agent = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            // Ends when the client has hung up.
            while !session.isReadable(within: 0) {
                session.send(Response(id: request.id + 7, .success(limits(request))))
            }
        }
        let client = agent.client(timeout: .milliseconds(100))
        let taken = seconds { #expect(code { try client.limit(.openFiles) } == .deadlineExceeded) }
        #expect(taken >= 0.1 && taken < 5)
    }

    @Test("covers an agent that accepts nobody")
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
        #expect(taken >= 0.4 && taken < 10)
    }

    @Test("covers waiting for another thread's connection")
    func behindAnother() throws {
        let agent = try ScriptedAgent(backlog: 0)
        // Fills the backlog, so that connecting takes until the deadline.
        let filler = (0..<2).map { _ in agent.client(timeout: .milliseconds(20)) }
        for client in filler { _ = code { try client.limit(.openFiles) } }
        let client = agent.client()
        let slow = Thread { _ = code { try client.with(timeout: .seconds(2)).limit(.openFiles) } }
        slow.start()
        usleep(50_000)
        let taken = seconds {
            #expect(code { try client.with(timeout: .milliseconds(100)).limit(.openFiles) } == .deadlineExceeded)
        }
        #expect(taken < 1.5)
    }

    @Test("that has passed sends nothing")
    func passed() throws {
        let agent = try ScriptedAgent { session in try session.serve(change) }
        #expect(code { try agent.client(timeout: .zero).apply(.raise(.openFiles, to: 9)) } == .deadlineExceeded)
        #expect(code { try agent.client(timeout: .seconds(-5)).limit(.openFiles) } == .deadlineExceeded)
        #expect(agent.requests.isEmpty)
    }

    @Test("may be no time at all, or more than anyone has")
    func without() throws {
        let agent = try TestAgent(limits: [.openFiles: someLimit])
        #expect(try agent.blockingClient.with(timeout: nil).limit(.openFiles) == someLimit)
        #expect(try agent.blockingClient.with(timeout: .seconds(Int64.max)).limit(.openFiles) == someLimit)
    }

    @Test("is told to the agent")
    func told() throws {
        let agent = try ScriptedAgent { session in try session.serve(limits) }
        _ = try agent.client(timeout: .seconds(3)).limit(.openFiles)
        _ = try agent.client(timeout: nil).limit(.openFiles)
        let timeouts = agent.requests.map(\.request.timeout)
        #expect(timeouts.count == 2)
        #expect(timeouts[0].map { $0 > .seconds(2) && $0 <= .seconds(3) } == true)
        #expect(timeouts[1] == nil)
    }
}

@Suite("Threads that share a client", .timeLimit(.minutes(1)))
struct SharingTests {
    @Test("get each its own answer, on one connection, whatever the order")
    func many() throws {
        let agent = try ScriptedAgent { session in
            // Answers in pairs, the later one first, unless nobody else asks.
            var held: Request?
            func tell(_ request: Request) {
                guard case .get(_, let resources) = request.operation else { return }
                var limits = Limits()
                for resource in resources { limits[resource] = Limit(Limit.Bound(resource.index)) }
                session.send(Response(id: request.id, .success(.limits(resources, limits))))
            }
            while true {
                if let earlier = held {
                    held = nil
                    if session.isReadable(within: 1), let request = try session.next() { tell(request) }
                    tell(earlier)
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

    @Test("do not wait for each other's slow answers")
    func slowAndFast() throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                guard case .serverInfo = request.operation else {
                    session.send(answer(request))
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
        for _ in 0..<20 { #expect(try client.limit(.openFiles) == someLimit) }
        #expect(slow.withLock { $0 } == nil)
        release.signal()
        done.wait()
        #expect(slow.withLock { $0 } == .internalError)
        #expect(agent.connections == 1)
    }

    @Test("make one connection between them, also at once")
    func oneConnection() throws {
        let agent = try TestAgent()
        let client = agent.blockingClient
        DispatchQueue.concurrentPerform(iterations: 16) { _ in #expect(code { try client.limits() } == nil) }
        #expect(try client.statistics().acceptedConnections == 1)
        #expect(try client.with(timeout: nil).with(strategy: .agentOnly).limits() == agent.limits)
        #expect(try client.statistics().acceptedConnections == 1)
    }

    @Test("can close it under each other")
    func closing() throws {
        let agent = try TestAgent(limits: [.openFiles: someLimit])
        let client = agent.blockingClient
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            for _ in 0..<50 {
                if index == 0 { client.close() } else { #expect(code { try client.limits() } == nil) }
            }
        }
        client.close()
        #expect(try client.limit(.openFiles) == someLimit)
    }
}
