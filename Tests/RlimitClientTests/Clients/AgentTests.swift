import Foundation
import Glibc
import RlimitKernel
import RlimitModel
import RlimitTesting
import Testing

@testable import RlimitClient

private let now = Limit(soft: 100, hard: 200)

// An agent who gives open files up to 500.
private func serve(_ session: ScriptedSession) throws {
    try session.serve { request in
        switch request.operation {
        case .get where request.isExplain:
            .explanation(
                Explanation(verdicts: [.init(.openFiles, now: now, most: Limit(soft: 100, hard: 500), rule: "script")]))
        case .set(_, let batch, _) where request.isExplain:
            .explanation(
                Explanation(
                    refusal: RlimitError(.deniedByPolicy, rule: "few"),
                    verdicts: batch.map {
                        .init($0.resource, now: now, error: RlimitError(.deniedByPolicy, rule: "few"))
                    }
                ))
        case .set(_, let batch, _):
            .changes(
                batch.map { Change($0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: "script")) }
            )
        default: .limits(.all, Limits(repeating: now))
        }
    }
}

@Suite("What is asked of the agent", .timeLimit(.minutes(1)))
struct AgentTests {
    private func batches(_ agent: ScriptedAgent) -> [[NumericEdit]] {
        agent.requests.compactMap {
            guard case .set(_, let batch, _) = $0.request.operation else { return nil }
            return Array(batch)
        }
    }

    @Test(
        "is in numbers, worked out from what it told before",
        arguments: [
            ("nofile=150", NumericEdit(.openFiles, soft: 150)),
            ("nofile=300", NumericEdit(.openFiles, soft: 300, hard: 300)),
            ("nofile=hard", NumericEdit(.openFiles, soft: 200)),
            ("nofile=max", NumericEdit(.openFiles, soft: 500, hard: 500)),
            ("nofile=hard:max", NumericEdit(.openFiles, soft: 200, hard: 500)),
            ("nofile=5:6", NumericEdit(.openFiles, soft: 5, hard: 6)),
        ])
    func numbers(text: String, expected: NumericEdit) throws {
        let agent = try ScriptedAgent(serve)
        try agent.client().apply(try Edit(parsing: text))
        #expect(batches(agent) == [[expected]])
        // What is a number already is not asked about.
        #expect(
            agent.requests.count
                == (text == "nofile=5:6" ? 1 : text.hasSuffix("max") ? 3 : 2))
    }

    @Test("is all of a batch, also what it lowers, where the agent alone is asked")
    func agentOnly() throws {
        let agent = try ScriptedAgent(serve)
        let changes = try agent.client().apply([.set(.coreFileSize, to: Limit(0)), .raise(.openFiles, to: 300)])
        #expect(changes.map(\.resource) == [.coreFileSize, .openFiles])
        #expect(
            batches(agent) == [
                [
                    NumericEdit(.coreFileSize, soft: 0, hard: 0),
                    NumericEdit(.openFiles, soft: 300, hard: 300, mode: .atLeast),
                ]
            ])
    }

    @Test("is nothing for no edits, and for a resource that is named twice")
    func nothing() throws {
        let agent = try ScriptedAgent(serve)
        #expect(try agent.client().apply([]).isEmpty)
        let error = #expect(throws: RlimitError.self) {
            try agent.client().apply([.set(.openFiles, soft: 1), .set(.openFiles, hard: 1)])
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.editIndex == 1)
        #expect(throws: RlimitError.self) { try agent.client().explain([Edit]()) }
        #expect(agent.connections == 0)
    }

    @Test("may be a question, and a refusal then is an answer")
    func explain() throws {
        let agent = try ScriptedAgent(serve)
        let client = agent.client(.kernelFirst)
        let explanation = try client.explain(.raise(.openFiles, to: 9000))
        #expect(explanation.refusal?.rule == "few")
        #expect(!explanation.isAllowed)
        #expect(try client.explain().verdicts.map(\.most) == [Limit(soft: 100, hard: 500)])
        #expect(agent.requests.map(\.request.isExplain) == [true, true])
        #expect(agent.requests.last?.request.operation == .get(.caller, .all))
    }

    @Test("may be about the agent itself")
    func statistics() throws {
        let agent = try TestAgent()
        let statistics = try agent.blockingClient.statistics()
        #expect(statistics.connections == 1)
        #expect(statistics.requests == 1)
    }

    @Test("without a word for the most there is, is the present hard limit where there is no agent")
    func mostWithoutAgent() throws {
        let child = try ChildProcess("ulimit -Sn 100; ulimit -Hn 200;")
        let client = BlockingLimitClient(socket: "/nonexistent/agent.sock")
        #expect(try client.apply(try Edit(parsing: "nofile=max"), on: .process(child.pid)).new == Limit(200))
    }
}

@Suite("The agent's socket", .timeLimit(.minutes(1)))
struct SocketTests {
    @Test("that is not there is told by its path and by what connect(2) said")
    func absent() {
        let error = #expect(throws: RlimitError.self) {
            try BlockingLimitClient(socket: "/nonexistent/agent.sock").agentInfo()
        }
        #expect(error?.code == .agentUnreachable)
        #expect(error?.errno == ENOENT)
        #expect(
            error?.message == "no agent answers at /nonexistent/agent.sock (connect: No such file or directory)")
    }

    @Test("that is the standard one, and not there, is told with what starts it", arguments: [ENOENT, ECONNREFUSED])
    func absentStandard(number: Int32) {
        let standard = RlimitError.unreachable(
            "/run/rlimitd/rlimitd.sock", SystemError(number: number, call: "connect"))
        #expect(standard.message.hasSuffix("; start it with: systemctl start rlimitd"))
        let other = RlimitError.unreachable("/run/other.sock", SystemError(number: number, call: "connect"))
        #expect(!other.message.contains("systemctl"))
    }

    @Test("is never one whose path was cut")
    func long() {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        #expect(throws: RlimitError.self) { try BlockingLimitClient(socket: AgentSocket(path: path)).agentInfo() }
    }

    @Test("in a folder where others may replace it is not trusted, unless anyone is")
    func openFolder() throws {
        let agent = try ScriptedAgent(serve)
        #expect(try agent.client().limit(.openFiles) == now)
        for (mode, trusted) in [(0o777, false), (0o1777, true), (0o775, false), (0o755, true), (0o702, false)] {
            chmod(agent.folder, mode_t(mode))
            let client = agent.client()
            if trusted {
                #expect(try client.limit(.openFiles) == now)
                continue
            }
            let error = #expect(throws: RlimitError.self) { try client.limit(.openFiles) }
            #expect(error?.code == .untrustedSocket)
            #expect(error?.message.contains(agent.folder) == true)
            let credulous = BlockingLimitClient(
                socket: AgentSocket(path: agent.path, owner: .anyone), strategy: .agentOnly)
            #expect(try credulous.limit(.openFiles) == now)
        }
    }

    @Test("is not a link that somebody put there")
    func link() throws {
        let agent = try ScriptedAgent(serve)
        let path = agent.folder + "/link"
        #expect(symlink(agent.path, path) == 0)
        let error = #expect(throws: RlimitError.self) {
            try BlockingLimitClient(socket: AgentSocket(path: path)).agentInfo()
        }
        #expect(error?.code == .untrustedSocket)
    }

    @Test("is named by RLIMITD_SOCKET, or else is where the agent is installed")
    func standard() throws {
        #expect(try run("client-probe", ["socket"], environment: ["RLIMITD_SOCKET": "/x/y"]) == ["/x/y"])
        #expect(try run("client-probe", ["socket"]) == ["/run/rlimitd/rlimitd.sock"])
        #expect(
            try run("client-probe", ["socket"], environment: ["RLIMITD_SOCKET": ""]) == ["/run/rlimitd/rlimitd.sock"])
    }
}
