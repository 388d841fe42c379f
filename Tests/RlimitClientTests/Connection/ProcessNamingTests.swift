import Glibc
import RlimitKernel
import RlimitModel
import ScriptedAgents
import Synchronization
import Testing

@testable import RlimitClient

@Suite("The name of another process in requests", .timeLimit(.minutes(10)))
struct ProcessNamingTests {
    private static let now = Limit(soft: 100, hard: 200)

    private static func info(depth: Int?, mayAttach: Bool?, _ features: [String] = ["pid-identity"]) -> AgentInfo {
        AgentInfo(
            version: "1", kernel: "6", features: features, openFilesCeiling: 9, canRaise: true, policy: "p",
            caller: .init(Peer(pid: 1, uid: 2, gid: 3, namespaceDepth: depth), mayAttachPidfd: mayAttach))
    }

    private static func reply(_ request: Request, _ info: AgentInfo) -> Reply {
        switch request.operation {
        case .serverInfo: .serverInfo(info)
        case _ where request.isExplain: .explanation(Explanation())
        case .set(_, let batch, let term):
            .changes(
                batch.map { Change($0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: nil)) },
                lease: term.map { _ in LeaseInfo(id: LeaseInfo.ID(bytes: [1])) })
        case .usage, .threadUsage: .usage(Usage())
        default: .limits(.all, Limits(repeating: now))
        }
    }

    private func agent(_ info: AgentInfo) throws -> ScriptedAgent {
        try ScriptedAgent(showsServerInfo: true) { session in try session.serve { Self.reply($0, info) } }
    }

    private func targets(_ agent: ScriptedAgent) -> [Request.Target] {
        agent.requests.compactMap(\.request.operation.target)
    }

    private func identity(_ pid: Int32) throws -> Request.Target {
        try Pidfd.open(pid: pid).processIdentity().target
    }

    @Test(
        "is its pid in the agent's own PID namespace, with its identity in changes",
        arguments: ClientKind.allCases, [true, false])
    func shared(kind: ClientKind, mayAttach: Bool) async throws {
        let agent = try agent(Self.info(depth: 1, mayAttach: mayAttach))
        let client = kind.client(agent)
        let child = try ChildProcess()
        defer { child.end() }
        let handle = try ProcessHandle(pid: child.pid)
        for target in [Target.process(child.pid), handle.target] {
            _ = try await client.limits(of: target)
            _ = try await client.usage(of: target)
            _ = try await client.explain([.raise(.openFiles, to: 9000)], on: target)
            _ = try await client.apply(.set(.openFiles, to: Limit(7)), on: target)
        }
        let (pid, identified) = (Request.Target.pid(child.pid), try identity(child.pid))
        #expect(targets(agent) == [pid, pid, pid, identified, pid, pid, pid, identified])
        #expect(agent.requests.allSatisfy { $0.process == nil })
        // The agent is asked once for a connection.
        #expect(agent.requests.count { $0.request.operation == .serverInfo } == 1)
        #expect(agent.connections == 1)
    }

    @Test(
        "is a pidfd elsewhere, and for agents that do not compare identities", arguments: ClientKind.allCases,
        [
            info(depth: 2, mayAttach: true), info(depth: nil, mayAttach: true), info(depth: 2, mayAttach: nil),
            info(depth: 1, mayAttach: nil, ["pidfd"]),
        ])
    func elsewhere(kind: ClientKind, info: AgentInfo) async throws {
        let agent = try agent(info)
        let client = kind.client(agent)
        let child = try ChildProcess()
        defer { child.end() }
        for _ in 0..<2 { _ = try await client.limits(of: .process(child.pid)) }
        #expect(targets(agent) == [.attachedPidfd, .attachedPidfd])
        #expect(agent.requests.map(\.process) == [nil, child.pid, child.pid])
    }

    @Test("comes without a descriptor where the agent takes none", arguments: ClientKind.allCases)
    func refused(kind: ClientKind) async throws {
        let policy = Mutex(Self.info(depth: 2, mayAttach: false))
        let agent = try ScriptedAgent(showsServerInfo: true) { session in
            try session.answer { request in
                let info = policy.withLock { $0 }
                guard case .get = request.operation, info.caller.mayAttachPidfd == false else {
                    return .success(Self.reply(request, info))
                }
                return .failure(RlimitError(.deniedByPolicy, message: "a rule would help"))
            }
        }
        let client = kind.client(agent)
        let child = try ChildProcess()
        defer { child.end() }
        let refusal = await #expect(throws: RlimitError.self) { try await client.limits(of: .process(child.pid)) }
        #expect(refusal?.code == .deniedByPolicy && refusal?.message == "a rule would help")
        // Another policy lets the client attach: the agent is asked again before the next request.
        policy.withLock { $0 = Self.info(depth: 2, mayAttach: true) }
        _ = try await client.limits(of: .process(child.pid))
        #expect(targets(agent) == [.attachedPidfd, .attachedPidfd])
        #expect(agent.requests.map(\.process) == [nil, nil, nil, child.pid])
    }

    @Test("is asked for again on a new connection", arguments: ClientKind.allCases)
    func reconnected(kind: ClientKind) async throws {
        let info = Self.info(depth: 1, mayAttach: false)
        let agent = try ScriptedAgent(
            showsServerInfo: true,
            { session in
                // The connection ends after the answer to server_info, before the request.
                if let request = try session.next() {
                    session.send(Response(id: request.id, .success(Self.reply(request, info))))
                }
                _ = try session.next()
            },
            { session in try session.serve { Self.reply($0, info) } })
        let child = try ChildProcess()
        defer { child.end() }
        _ = try await kind.client(agent).limits(of: .process(child.pid))
        #expect(agent.connections == 2)
        #expect(agent.requests.count { $0.request.operation == .serverInfo } == 2)
        #expect(targets(agent) == [.pid(child.pid), .pid(child.pid)])
    }

    @Test("is no proof once the process has ended: the response is discarded", arguments: ClientKind.allCases)
    func ended(kind: ClientKind) async throws {
        let info = Self.info(depth: 1, mayAttach: false)
        let child = try ChildProcess()
        let agent = try ScriptedAgent(showsServerInfo: true) { session in
            try session.serve { request in
                if request.operation != .serverInfo { child.kill() }
                return Self.reply(request, info)
            }
        }
        let client = kind.client(agent)
        let failure = await #expect(throws: RlimitError.self) { try await client.limits(of: .process(child.pid)) }
        #expect(failure?.code == .noSuchProcess)
        #expect(failure?.message.contains("process \(child.pid)") == true)
    }

    @Test("is no proof in a refusal either", arguments: ClientKind.allCases)
    func endedAndRefused(kind: ClientKind) async throws {
        let info = Self.info(depth: 1, mayAttach: false)
        let child = try ChildProcess()
        let agent = try ScriptedAgent(showsServerInfo: true) { session in
            try session.answer { request in
                guard request.operation != .serverInfo else { return .success(Self.reply(request, info)) }
                child.kill()
                return .failure(RlimitError(.deniedByPolicy))
            }
        }
        let client = kind.client(agent)
        let failure = await #expect(throws: RlimitError.self) { try await client.limits(of: .process(child.pid)) }
        #expect(failure?.code == .noSuchProcess)
    }

    @Test("with its identity is a proof: a change is reported although the process has ended since")
    func endedAfterChange() throws {
        let info = Self.info(depth: 1, mayAttach: false)
        let child = try ChildProcess()
        let agent = try ScriptedAgent(showsServerInfo: true) { session in
            try session.serve { request in
                if request.operation != .serverInfo { child.kill() }
                return Self.reply(request, info)
            }
        }
        let change = try agent.client().apply(.set(.openFiles, to: Limit(7)), on: .process(child.pid))
        #expect(change.new == Limit(7))
    }

    @Test("is never asked for by calls about the calling process")
    func caller() throws {
        let agent = try agent(Self.info(depth: 1, mayAttach: false))
        let client = agent.client()
        _ = try client.limits()
        _ = try client.apply(.set(.openFiles, to: Limit(7)), on: .process(getpid()))
        #expect(targets(agent) == [.caller, .caller])
        #expect(agent.requests.count == 2)
    }
}
