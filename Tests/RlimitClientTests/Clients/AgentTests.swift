import RlimitModel
import RlimitTesting
import ScriptedAgents
import Testing

@testable import RlimitClient

private let now = Limit(soft: 100, hard: 200)

// An agent that permits open files up to 500.
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

@Suite("A request to the agent", .timeLimit(.minutes(10)))
struct AgentTests {
    private func batches(_ agent: ScriptedAgent) -> [[NumericEdit]] {
        agent.requests.compactMap {
            guard case .set(_, let batch, _) = $0.request.operation else { return nil }
            return Array(batch)
        }
    }

    @Test(
        "has numbers, computed from earlier responses",
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
        // Numbers need no earlier request.
        #expect(
            agent.requests.count
                == (text == "nofile=5:6" ? 1 : text.hasSuffix("max") ? 3 : 2))
    }

    @Test("is the whole batch, including lowering edits, if only the agent is asked")
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

    @Test("is not sent for an empty batch, nor for a resource that is named twice")
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

    @Test("can be an explain, and a refusal is then a result")
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

    @Test("can be about the agent itself")
    func statistics() throws {
        let agent = try TestAgent()
        let statistics = try agent.blockingClient.statistics()
        #expect(statistics.connections == 1)
        #expect(statistics.requests == 1)
    }

    @Test("is not needed for the maximum without an agent, which is then the current hard limit")
    func mostWithoutAgent() throws {
        let child = try ChildProcess("ulimit -Sn 100; ulimit -Hn 200;")
        let client = BlockingLimitClient(socket: "/nonexistent/agent.sock")
        #expect(try client.apply(try Edit(parsing: "nofile=max"), on: .process(child.pid)).new == Limit(200))
    }
}
