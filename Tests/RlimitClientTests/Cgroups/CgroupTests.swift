import Foundation
import RlimitModel
import ScriptedAgents
import Testing

@testable import RlimitClient

private let someLimits = Limits(repeating: Limit(soft: 77, hard: 99))

private func found(_ pids: ClosedRange<Int32>) -> [ProcessResult] {
    pids.map { ProcessResult(pid: $0, .success(.limits(.all, someLimits))) }
}

private func processes(_ results: [ProcessResult], isIncomplete: Bool = false) -> Result<Reply, RlimitError> {
    .success(.processes(results, isIncomplete: isIncomplete))
}

// An agent with one process in each cgroup. It grants every edit of 100:200.
private func serve(_ session: ScriptedSession) throws {
    let now = Limit(soft: 100, hard: 200)
    try session.serve { request in
        switch request.operation {
        case .set(_, let batch, _):
            let changes = batch.map {
                Change(
                    $0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: "script"),
                    shortfall: $0.mode == .clamp ? RlimitError(.softExceedsHard) : nil)
            }
            return .processes([ProcessResult(pid: 7, .success(.changes(changes)))], isIncomplete: false)
        case .usage: return .processes([ProcessResult(pid: 7, .success(.usage(Usage())))], isIncomplete: false)
        default: return .processes(found(7...7), isIncomplete: false)
        }
    }
}

private func error(_ body: () throws -> some Any) -> RlimitError? {
    #expect(throws: RlimitError.self) { _ = try body() }
}

@Suite("Responses about a cgroup", .timeLimit(.minutes(10)))
struct CgroupAnswerTests {
    @Test("in parts become one list, in order")
    func parts() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(Response(id: request.id, more: true, processes(found(2...300))))
                session.send(Response(id: request.id, more: true, processes([])))
                session.send(Response(id: request.id, processes(found(301...2000))))
            }
        }
        let limits = try agent.client().limits(in: "/a")
        #expect(limits.map(\.pid) == Array(2...2000))
        #expect(limits.allSatisfy { $0.result == .success(someLimits) })
        #expect(limits.isComplete)
        #expect(agent.requests.map(\.request.operation) == [.get(.cgroup("/a"), .all)])
    }

    @Test("may be interleaved with other responses")
    func interleaved() throws {
        let agent = try ScriptedAgent { session in
            guard let first = try session.next(), let second = try session.next(), let third = try session.next() else {
                return
            }
            // The parts of the two responses about cgroups alternate, and the third response comes between them.
            let requests = [first, second, third]
            let many = requests.filter { if case .get(.cgroup, _) = $0.operation { true } else { false } }
            for part in 0..<Int32(3) {
                for (place, request) in many.enumerated() {
                    let base = Int32(place + 1) * 1000 + part * 10
                    session.send(Response(id: request.id, more: part < 2, processes(found(base...base + 9))))
                }
                for request in requests where part == 1 && !many.contains(request) {
                    session.send(Response(id: request.id, .success(.limits(.all, someLimits))))
                }
            }
            session.waitForEnd()
        }
        let client = agent.client()
        let done = DispatchGroup()
        for call in 0..<3 {
            done.enter()
            Thread.detachNewThread { [done] in
                defer { done.leave() }
                if call == 2 {
                    #expect((try? client.limit(.nice)) == someLimits[.nice])
                    return
                }
                let pids = (try? client.limits(in: "/a"))?.map { $0.pid ?? 0 }
                #expect(pids == Array(1000...1029) || pids == Array(2000...2029))
            }
        }
        done.wait()
        #expect(agent.connections == 1)
    }

    @Test("contain failures and processes without a pid, and state whether they are complete")
    func failures() throws {
        let refusal = RlimitError(.deniedByPolicy, message: "no rule", rule: "few")
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(
                    Response(
                        id: request.id,
                        processes(found(5...5) + [ProcessResult(pid: nil, .failure(refusal))], isIncomplete: true)))
            }
        }
        let limits = try agent.client().limit(.openFiles, in: .own)
        #expect(Array(limits) == [.init(pid: 5, .success(someLimits[.openFiles])), .init(pid: nil, .failure(refusal))])
        #expect(!limits.isComplete)
    }

    @Test("that end with an error throw it")
    func error() throws {
        let agent = try ScriptedAgent { session in
            while let request = try session.next() {
                session.send(Response(id: request.id, more: true, processes(found(2...3))))
                session.send(Response(id: request.id, .failure(RlimitError(.rateLimited))))
            }
        }
        #expect(throws: RlimitError(.rateLimited)) { try agent.client().limits(in: "/a") }
    }

    @Test("that never end time out, and the connection stays open")
    func late() throws {
        let release = DispatchSemaphore(value: 0)
        let agent = try ScriptedAgent { session in
            guard let request = try session.next() else { return }
            session.send(Response(id: request.id, more: true, processes(found(2...3))))
            release.wait()
            session.send(Response(id: request.id, more: true, processes(found(4...5))))
            session.send(Response(id: request.id, processes(found(6...7))))
            try session.serve { _ in .processes(found(9...9), isIncomplete: false) }
        }
        let client = agent.client()
        let late = RlimitClientTests.error { try client.with(timeout: .milliseconds(100)).limits(in: "/a") }
        #expect(late?.code == .deadlineExceeded)
        let timeout = try #require(agent.requests.first?.request.timeout)
        #expect(timeout > .zero && timeout <= .milliseconds(100))
        release.signal()
        #expect(try client.limits(in: "/a").map(\.pid) == [9])
        #expect(agent.connections == 1)
    }

    @Test("that do not fit the request are MALFORMED, as a whole, in a part, and for one process")
    func otherKind() throws {
        let wrong: [[Response]] = [
            [Response(id: 0, .success(.limits(.all, someLimits)))],
            [Response(id: 0, .success(.changes([])))],
            [
                Response(id: 0, more: true, processes(found(2...3))),
                Response(id: 0, .success(.limits(.all, someLimits))),
            ],
            [
                Response(id: 0, more: true, .success(.limits(.all, someLimits))),
                Response(id: 0, processes(found(2...3))),
            ],
            [Response(id: 0, processes([ProcessResult(pid: 2, .success(.usage(Usage())))]))],
            [Response(id: 0, processes([ProcessResult(pid: 2, .success(.limits(.none, someLimits)))]))],
        ]
        for responses in wrong {
            let agent = try ScriptedAgent { session in
                while let request = try session.next() {
                    for response in responses {
                        session.send(Response(id: request.id, more: response.more, response.outcome))
                    }
                }
            }
            #expect(RlimitClientTests.error { try agent.client().limits(in: "/a") }?.code == .malformed)
        }
        let agent = try ScriptedAgent { session in
            try session.serve { _ in .processes([ProcessResult(pid: 2, .success(.changes([])))], isIncomplete: false) }
        }
        #expect(
            RlimitClientTests.error { try agent.client().apply(.raise(.nice, to: 3), in: "/a") }?.code == .malformed)
        let one = try ScriptedAgent { session in try session.serve { _ in .processes([], isIncomplete: false) } }
        #expect(RlimitClientTests.error { try one.client().limits() }?.code == .malformed)
    }

    @Test("have a bounded size")
    func bounded() {
        var pending = PendingReply()
        let part = Response(id: 1, more: true, processes(Array(repeating: found(2...2)[0], count: 65_536)))
        let taken = (0..<4).map { _ in pending.add(part) }
        #expect(taken == [true, true, true, true])
        let isTaken = pending.add(Response(id: 1, processes(found(3...3))))
        #expect(!isTaken)
    }
}

@Suite("An agent that closes the connection in the middle of a response about a cgroup", .timeLimit(.minutes(10)))
struct LostCgroupTests {
    private static func dies(_ session: ScriptedSession) throws {
        guard let request = try session.next() else { return }
        session.send(Response(id: request.id, more: true, processes(found(2...100))))
    }

    @Test("receives a reading request once more, and the earlier parts are discarded")
    func read() throws {
        let agent = try ScriptedAgent(Self.dies, serve)
        #expect(try agent.client().limits(in: "/a").map(\.pid) == [7])
        #expect(agent.connections == 2)
    }

    @Test("does not receive an edit again")
    func edit() throws {
        let agent = try ScriptedAgent(Self.dies, serve)
        let client = agent.client()
        #expect(error { try client.apply(.raise(.openFiles, to: 9), in: "/a") }?.code == .connectionLost)
        #expect(agent.requests.count == 1)
        #expect(try client.apply(.raise(.openFiles, to: 300), in: "/a").count == 1)
    }
}

@Suite("A request about a cgroup", .timeLimit(.minutes(10)))
struct CgroupRequestTests {
    @Test("goes to the agent only, with the caller's path")
    func target() throws {
        let agent = try ScriptedAgent(serve)
        let client = agent.client(.kernelFirst)
        for cgroup in [Cgroup.own, .pod, "/a/b", Cgroup(path: "/c"), .pod(at: "/kubepods/pod1")] {
            #expect(try client.limits(in: cgroup).count == 1)
        }
        let targets: [Request.Target] = [
            .cgroup(nil), .pod(nil), .cgroup("/a/b"), .cgroup("/c"), .pod("/kubepods/pod1"),
        ]
        #expect(agent.requests.map(\.request.operation) == targets.map { .get($0, .all) })
        _ = try client.usage(in: .pod, .children)
        #expect(agent.requests.last?.request.operation == .usage(.pod(nil), .children))
    }

    @Test("with an empty path is not about the caller's own cgroup")
    func emptyPath() throws {
        let agent = try ScriptedAgent(serve)
        for cgroup in [Cgroup(path: ""), "", .pod(at: "")] {
            #expect(error { try agent.client().limits(in: cgroup) }?.code == .invalidArgument)
        }
        #expect(agent.connections == 0)
    }

    @Test(
        "has one edit for all processes, also with symbolic values",
        arguments: [
            ("nofile=150", .atLeast, NumericEdit(.openFiles, soft: 150, hard: 150, mode: .atLeast)),
            ("nofile=150", .clamp, NumericEdit(.openFiles, soft: 150, hard: 150, mode: .clamp)),
            ("nofile=5:6", .exact, NumericEdit(.openFiles, soft: 5, hard: 6)),
            ("nofile=5:", .exact, NumericEdit(.openFiles, soft: 5)),
            ("nofile=:6", .exact, NumericEdit(.openFiles, hard: 6)),
            ("nofile=5:hard", .exact, NumericEdit(.openFiles, soft: 5)),
            ("nofile=hard", .exact, NumericEdit(.openFiles, soft: .infinity, mode: .clamp)),
            ("nofile=hard:", .atLeast, NumericEdit(.openFiles, soft: .infinity, mode: .clamp)),
            ("nofile=hard:hard", .exact, NumericEdit(.openFiles, soft: .infinity, mode: .clamp)),
            ("nofile=max", .exact, NumericEdit(.openFiles, soft: .infinity, hard: .infinity, mode: .clamp)),
            ("nofile=max:max", .clamp, NumericEdit(.openFiles, soft: .infinity, hard: .infinity, mode: .clamp)),
            ("nofile=:max", .exact, NumericEdit(.openFiles, hard: .infinity, mode: .clamp)),
        ] as [(String, Edit.Mode, NumericEdit)])
    func edits(text: String, mode: Edit.Mode, expected: NumericEdit) throws {
        let agent = try ScriptedAgent(serve)
        let changes = try agent.client().apply(try Edit(parsing: text, mode: mode), in: .pod)
        #expect(agent.requests.map(\.request.operation) == [.set(.pod(nil), EditBatch([expected]), lease: nil)])
        // A symbolic value never falls short; a number may.
        let hasShortfall = try changes.first?.result.get().shortfall != nil
        #expect(hasShortfall == (expected.mode == .clamp && mode == .clamp && text == "nofile=150"))
    }

    @Test(
        "never has an edit with a different meaning for each process",
        arguments: [
            "nofile=150", "nofile=hard:150", "nofile=max:", "nofile=150:max", "nofile=hard:max", "nofile=:hard",
        ])
    func differs(text: String) throws {
        let agent = try ScriptedAgent(serve)
        let edits = [Edit.raise(.nice, to: 5), try Edit(parsing: text)]
        let error = error { try agent.client().apply(edits, in: .pod) }
        #expect(error?.code == .unsupported)
        #expect(error?.resource == .openFiles && error?.editIndex == 1)
        if text == "nofile=150" { #expect(error?.message.contains("150:150") == true) }
        #expect(agent.connections == 0)
    }

    @Test("has the expected limits, and several edits in their order")
    func batch() throws {
        let agent = try ScriptedAgent(serve)
        let edits = [
            Edit.set(.nice, soft: 5, expecting: Limit(6)), .raise(.openFiles, to: 300), .raiseToHard(.processes),
        ]
        let changes = try #require(try agent.client().apply(edits, in: "/a").first?.result.get())
        #expect(changes.map(\.resource) == [.nice, .openFiles, .processes])
        #expect(changes.map(\.grantedBy) == Array(repeating: .agent(rule: "script"), count: 3))
        let batch = EditBatch([
            NumericEdit(.nice, soft: 5, expecting: Limit(6)),
            NumericEdit(.openFiles, soft: 300, hard: 300, mode: .atLeast),
            NumericEdit(.processes, soft: .infinity, mode: .clamp),
        ])
        #expect(agent.requests.map(\.request.operation) == [.set(.cgroup("/a"), batch, lease: nil)])
    }

    @Test("has at least one edit, and at most one of each resource")
    func nothing() throws {
        let agent = try ScriptedAgent(serve)
        #expect(error { try agent.client().apply([], in: "/a") }?.code == .invalidArgument)
        let twice = [Edit.raise(.nice, to: 5), .set(.nice, soft: 5)]
        #expect(error { try agent.client().apply(twice, in: "/a") }?.code == .invalidArgument)
        #expect(agent.connections == 0)
    }
}
