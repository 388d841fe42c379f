import Foundation
import Glibc
import RlimitModel
import RlimitWire
import ScriptedAgents
import Testing

@testable import RlimitClient

private let now = Limit(soft: 100, hard: 200)

// An agent that permits open files up to 500, and has a cgroup with two processes.
private func reply(_ request: Request) -> Reply {
    func changes(_ batch: EditBatch) -> Reply {
        .changes(
            batch.map { Change($0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: "script")) })
    }
    func ofEach(_ reply: Reply) -> Reply {
        .processes(
            [
                ProcessResult(pid: 11, .success(reply)),
                ProcessResult(pid: 12, .failure(RlimitError(.deniedByPolicy, rule: "none"))),
            ], isIncomplete: false)
    }
    return switch request.operation {
    case .get where request.isExplain:
        .explanation(
            Explanation(verdicts: [.init(.openFiles, now: now, most: Limit(soft: 100, hard: 500), rule: "script")]))
    case .set(_, let batch, _) where request.isExplain:
        .explanation(
            Explanation(
                refusal: RlimitError(.deniedByPolicy, rule: "few"),
                verdicts: batch.map {
                    .init($0.resource, now: now, error: RlimitError(.deniedByPolicy, rule: "few"))
                }))
    case .get(.cgroup, _): ofEach(.limits(.all, Limits(repeating: now)))
    case .usage(.cgroup, _): ofEach(.usage(Usage()))
    case .set(.cgroup, let batch, _): ofEach(changes(batch))
    case .set(_, let batch, _): changes(batch)
    case .usage, .threadUsage: .usage(Usage())
    case .stats: .stats(Statistics())
    case .serverInfo: .serverInfo(info)
    default: .limits(.all, Limits(repeating: now))
    }
}

private let info = AgentInfo(
    version: "1", kernel: "6", features: [], openFilesCeiling: 9, canRaise: true, policy: "p",
    caller: .init(Peer(pid: 1, uid: 2, gid: 3)))

@Suite("Both clients", .timeLimit(.minutes(10)))
struct BothClientsTests {
    @Test("Both clients read and change limits through the agent", arguments: ClientKind.allCases)
    func calls(kind: ClientKind) async throws {
        let agent = try ScriptedAgent(showsServerInfo: true) { session in try session.serve(reply) }
        let client = kind.client(agent)
        let child = try ChildProcess()
        defer { child.end() }
        let target = Target.process(child.pid)
        #expect(try await client.limit(.openFiles) == now)
        #expect(try await client.limits(of: target) == Limits(repeating: now))
        #expect(try await client.usage(of: target) == Usage())
        #expect(try await client.usage(ofThread: child.pid, in: target) == Usage())
        #expect(try await client.apply(.set(.openFiles, to: Limit(7)), on: target).new == Limit(7))
        #expect(try await client.apply([.raise(.openFiles, to: 300), .set(.coreFileSize, soft: 3)]).count == 2)
        #expect(try await client.raise(.openFiles, upTo: 400).grantedBy == .agent(rule: "script"))
        #expect(try await client.explain([.raise(.openFiles, to: 9000)]).refusal?.rule == "few")
        #expect(try await client.explain().verdicts.map(\.most) == [Limit(soft: 100, hard: 500)])
        #expect(try await client.statistics() == Statistics())
        #expect(try await client.agentInfo() == info)
        let processes = agent.requests.map(\.process)
        // The second request asks how to name another process.
        #expect(processes == [nil, nil] + [Int32?](repeating: child.pid, count: 4) + [nil, nil, nil, nil, nil, nil])
        #expect(agent.connections == 1)
    }

    @Test("Both clients return a result for each process of a cgroup", arguments: ClientKind.allCases)
    func cgroups(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        let client = kind.client(agent)
        #expect(try await client.limits(in: .own).map(\.pid) == [11, 12])
        #expect(try await client.limit(.openFiles, in: .own).first?.result == .success(now))
        #expect(try await client.usage(in: .own).last?.pid == 12)
        let changes = try await client.apply(.raise(.openFiles, to: 300), in: .own)
        #expect(try changes.first?.result.get().new == Limit(300))
        #expect(throws: RlimitError.self) { try changes.last?.result.get() }
        #expect(await code { try await client.apply(.set(.openFiles, to: 5), in: .own) } == .unsupported)
        #expect(await code { try await client.limits(in: Cgroup(path: "")) } == .invalidArgument)
        #expect(agent.requests.count == 4)
    }

    @Test("Both clients resolve symbolic values with earlier responses of the agent", arguments: ClientKind.allCases)
    func words(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        let client = kind.client(agent)
        #expect(try await client.apply(try Edit(parsing: "nofile=hard:max")).new == Limit(soft: 200, hard: 500))
        #expect(agent.requests.map(\.request.isExplain) == [false, true, false])
    }

    @Test(
        "Both clients ask the kernel first, and the agent for what the kernel refuses", arguments: ClientKind.allCases)
    func kernelFirst(kind: ClientKind) async throws {
        let child = try ChildProcess("ulimit -Sn 100; ulimit -Hn 200;")
        defer { child.end() }
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        let client = kind.client(agent, .kernelFirst)
        #expect(try await client.limit(.openFiles, of: .process(child.pid)) == now)
        #expect(try await client.apply(.raiseToHard(.openFiles), on: .process(child.pid)).grantedBy == .kernel)
        #expect(agent.connections == 0)
        // The kernel has no compare-and-set.
        let edit = Edit.set(.openFiles, to: Limit(300), expecting: Limit(200))
        #expect(try await client.apply(edit, on: .process(child.pid)).grantedBy == .agent(rule: "script"))
        #expect(agent.requests.count == 1)
    }

    @Test("Both clients send no request for empty or invalid arguments", arguments: ClientKind.allCases)
    func nothing(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        let client = kind.client(agent)
        #expect(try await client.apply([]).isEmpty)
        let twice = [Edit.set(.openFiles, soft: 1), .set(.openFiles, hard: 1)]
        #expect(await code { try await client.apply(twice) } == .invalidArgument)
        #expect(await code { try await client.explain([]) } == .invalidArgument)
        #expect(await code { try await client.limit(.openFiles, of: .process(-4)) } == .invalidArgument)
        #expect(agent.connections == 0)
    }

    @Test("Both clients report an absent agent, and an untrusted socket", arguments: ClientKind.allCases)
    func unreachable(kind: ClientKind) async throws {
        #expect(await code { try await kind.client(at: "/nonexistent/a").agentInfo() } == .agentUnreachable)
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        chmod(agent.folder, 0o777)
        #expect(await code { try await kind.client(agent).agentInfo() } == .untrustedSocket)
    }

    @Test("Both clients throw the reason for which a full agent closes the connection", arguments: ClientKind.allCases)
    func full(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in
            session.send(Response(id: 0, .failure(RlimitError(.quotaExceeded, message: "64 are open"))))
        }
        #expect(await code { try await kind.client(agent).limit(.openFiles) } == .quotaExceeded)
    }

    @Test(
        "Both clients report a peer that violates the protocol",
        arguments: ClientKind.allCases,
        [Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), [0, 0, 0, 0], [255, 255, 255, 255], [0, 0, 0, 2, 26, 5]])
    func garbage(kind: ClientKind, bytes: [UInt8]) async throws {
        let agent = try ScriptedAgent { session in
            _ = try session.next()
            session.send(bytes)
            session.waitForEnd()
        }
        let client = kind.client(agent)
        #expect(await code { try await client.limit(.openFiles) } == .malformed)
        #expect(await code { try await client.apply(.raise(.openFiles, to: 9)) } == .malformed)
    }

    @Test("Both clients read long responses in parts, and byte by byte", arguments: ClientKind.allCases)
    func parts(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                let half = ResourceSet(Resource.allCases.prefix(8)), rest = ResourceSet(Resource.allCases.suffix(8))
                let first = Response(id: request.id, more: true, .success(.limits(half, Limits(repeating: now))))
                let last = Response(id: request.id, .success(.limits(rest, Limits(repeating: now))))
                for byte in ScriptedSession.bytes(of: first) + ScriptedSession.bytes(of: last) { session.send([byte]) }
            }
        }
        #expect(try await kind.client(agent).limits() == Limits(repeating: now))
    }

    @Test(
        "Both clients send an edit once, and a reading request twice, if the connection is lost",
        arguments: ClientKind.allCases)
    func lost(kind: ClientKind) async throws {
        let agent = try ScriptedAgent({ _ = try $0.next() }, { _ = try $0.next() }) { try $0.serve(reply) }
        let client = kind.client(agent)
        #expect(await code { try await client.apply(.raise(.openFiles, to: 9)) } == .connectionLost)
        #expect(agent.requests.count == 1)
        #expect(try await client.limit(.openFiles) == now)
        #expect(agent.requests.count == 3)
        #expect(agent.connections == 3)
    }

    @Test(
        "Both clients send an edit to the new agent only, after the old one has ended", arguments: ClientKind.allCases)
    func restart(kind: ClientKind) async throws {
        let first = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(Response(id: request.id, .success(reply(request))))
        }
        let client = kind.client(first)
        #expect(try await client.limit(.openFiles) == now)
        first.stop()
        while first.ends == 0 { usleep(500) }
        let second = try ScriptedAgent(takingOver: first) { session in try session.serve(reply) }
        #expect(try await client.apply(.raise(.openFiles, to: 300)).new == Limit(300))
        #expect(first.requests.count == 1)
        #expect(second.requests.count == 1)
    }

    @Test("Both clients wait until their deadline, and ignore the late response", arguments: ClientKind.allCases)
    func late(kind: ClientKind) async throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            guard let first = try session.next() else { return }
            release.wait()
            session.send(Response(id: first.id, .failure(RlimitError(.deniedByPolicy))))
            try session.serve(reply)
        }
        let client = kind.client(agent)
        let start = ContinuousClock.now
        let impatient = client.with(timeout: .milliseconds(80))
        #expect(await code { try await impatient.limit(.openFiles) } == .deadlineExceeded)
        let taken = ContinuousClock.now - start
        // A busy machine may report it late.
        #expect(taken >= .milliseconds(80) && taken < .seconds(60))
        release.signal()
        #expect(try await client.limit(.openFiles) == now)
        #expect(agent.connections == 1)
    }

    @Test("Both clients wait for a full backlog until their deadline", arguments: ClientKind.allCases)
    func backlog(kind: ClientKind) async throws {
        let agent = try ScriptedAgent(backlog: 0)
        for _ in 0..<3 {
            let client = kind.client(agent, timeout: .milliseconds(100))
            #expect(await code { try await client.limit(.openFiles) } == .deadlineExceeded)
        }
    }

    @Test("Both clients send nothing after their deadline, and wait without one", arguments: ClientKind.allCases)
    func passed(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        let client = kind.client(agent)
        #expect(try await client.with(timeout: nil).limit(.openFiles) == now)
        #expect(try await client.with(timeout: .seconds(Int64.max)).limit(.openFiles) == now)
        for timeout in [Duration.zero, .seconds(-5)] {
            let impatient = client.with(timeout: timeout)
            #expect(await code { try await impatient.apply(.raise(.openFiles, to: 9)) } == .deadlineExceeded)
        }
        #expect(agent.requests.map(\.request.timeout) == [nil, nil])
    }

    @Test("Both clients open a new connection after close()", arguments: ClientKind.allCases)
    func closing(kind: ClientKind) async throws {
        let agent = try ScriptedAgent { session in try session.serve(reply) }
        let client = kind.client(agent)
        #expect(try await client.limit(.openFiles) == now)
        await client.close()
        #expect(try await client.limit(.openFiles) == now)
        #expect(agent.connections == 2)
    }
}
