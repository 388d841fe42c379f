import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("Requests about a process")
struct RequestHandlerTests {
    private let script = Script()
    private let peer = Peer(pid: 100, uid: 1000, gid: 1000)
    private let log = CapturedLog()

    /// uid 1000 may raise its open files to 65536.
    private let policy = Policy(
        allows: [
            AllowRule(
                name: "files", caller: CallerPattern(CallerKeys(users: IDSet(1000))),
                ceilings: Ceilings([.openFiles: 65536]))
        ])

    private func handle(_ operation: Request.Operation, isExplain: Bool = false) throws(RlimitError) -> Reply {
        let facts = AgentFacts(
            pid: 5, kernelRelease: "6.1", openFilesCeiling: 50_000, canRaise: true, features: [])
        let sink = LogSink(format: .text) { [log] bytes in log.take(bytes) }
        defer { sink.flush() }
        var handler = RequestHandler(policy: policy, facts: facts, audit: AuditLog(sink: sink))
        let request = Request(id: 1, isExplain: isExplain, operation)
        return try handler.handle(request, from: peer, on: ScriptedProcess(script: script), isPeer: true)
    }

    private func raise(to bound: Limit.Bound, expecting: Limit? = nil, lease: LeaseTerm? = nil) -> Request.Operation {
        let edit = NumericEdit(.openFiles, soft: bound, hard: bound, expecting: expecting)
        return .set(.caller, EditBatch([edit]), lease: lease)
    }

    @Test("A raise that a rule grants is made, and logged once")
    func granted() throws {
        guard case .changes(let changes, _) = try handle(raise(to: 8192)) else { throw Unexpected() }
        #expect(changes == [Change(.openFiles, old: script.before, new: Limit(8192), grantedBy: .agent(rule: "files"))])
        #expect(script.limits[.openFiles] == Limit(8192))
        #expect(
            log.text.contains("verdict=granted operation=set peer_pid=100 peer_uid=1000 peer_gid=1000 target_pid=100"))
        #expect(log.text.contains("resource=nofile old=1024:4096 new=8192:8192 rule=files"))
        #expect(log.text.split(separator: "\n").count == 1)
    }

    @Test("A set that changes no limit is not logged")
    func unchanged() throws {
        _ = try handle(.set(.caller, EditBatch([NumericEdit(.openFiles, soft: 1024)]), lease: nil))
        #expect(script.writes.isEmpty)
        #expect(log.text.isEmpty)
    }

    @Test("An explain changes no limit")
    func question() throws {
        guard case .explanation(let explanation) = try handle(raise(to: 8192), isExplain: true) else {
            throw Unexpected()
        }
        #expect(explanation.isAllowed)
        #expect(script.writes.isEmpty)
    }

    @Test("A change with a lease is refused rather than made permanently")
    func lease() throws {
        let error = #expect(throws: RlimitError.self) { try handle(raise(to: 8192, lease: .connection)) }
        #expect(error?.code == .unsupported)
        #expect(script.writes.isEmpty)
    }

    @Test("A limit above fs.nr_open is refused without a system call")
    func systemCeiling() throws {
        let error = #expect(throws: RlimitError.self) { try handle(raise(to: 60_000)) }
        #expect(error?.code == .aboveSystemCeiling)
        #expect(script.writes.isEmpty)
        #expect(log.text.contains("verdict=refused"))
    }

    @Test("If a limit changes between the decision and the write, the policy decides again")
    func decidedAgain() throws {
        script.beforeExchange[1] = { $0.limits[.openFiles] = Limit(soft: 2000, hard: 4096) }
        guard case .changes(let changes, _) = try handle(raise(to: 8192)) else { throw Unexpected() }
        #expect(changes.first?.old == Limit(soft: 2000, hard: 4096))
        #expect(script.limits[.openFiles] == Limit(8192))
    }

    @Test("A limit that another process raised meanwhile is restored, and the lowering is refused")
    func overtakenByRaise() throws {
        script.beforeExchange[1] = { $0.limits[.openFiles] = Limit(50_000) }
        let error = #expect(throws: RlimitError.self) { try handle(raise(to: 8192)) }
        #expect(error?.code == .deniedByPolicy)
        #expect(script.limits[.openFiles] == Limit(50_000))
    }

    @Test("With an expectation, a limit that changed meanwhile is restored and answered CONFLICT")
    func conflict() throws {
        script.beforeExchange[1] = { $0.limits[.openFiles] = Limit(soft: 2000, hard: 4096) }
        let error = #expect(throws: RlimitError.self) { try handle(raise(to: 8192, expecting: script.before)) }
        #expect(error?.code == .conflict)
        #expect(error?.editIndex == 0)
        #expect(script.limits[.openFiles] == Limit(soft: 2000, hard: 4096))
    }

    @Test("Limits that change at every attempt are answered CONFLICT")
    func restless() throws {
        for exchange in 1...100 {
            script.beforeExchange[exchange] = { $0.limits[.openFiles].soft = Limit.Bound(1024 + exchange) }
        }
        let error = #expect(throws: RlimitError.self) { try handle(raise(to: 8192)) }
        #expect(error?.code == .conflict)
        #expect(script.limits[.openFiles].hard == 4096)
    }

    @Test("A process that became another user's is answered TARGET_CHANGED, and logged")
    func stray() throws {
        script.beforeExchange[1] = { $0.becomeRoot() }
        let error = #expect(throws: RlimitError.self) { try handle(raise(to: 8192)) }
        #expect(error?.code == .targetChanged)
        #expect(log.text.contains("verdict=stray"))
    }

    @Test("A process that has ended is answered NO_SUCH_PROCESS")
    func ended() throws {
        script.identity = nil
        let error = #expect(throws: RlimitError.self) { try handle(.get(.caller, .all)) }
        #expect(error?.code == .noSuchProcess)
    }

    @Test("A peer that became root's after it connected is neither read nor changed over its connection")
    func execSinceConnect() throws {
        script.becomeRoot()
        for operation in [.get(.caller, .all), raise(to: 8192)] as [Request.Operation] {
            let error = #expect(throws: RlimitError.self) { try handle(operation) }
            #expect(error?.code == .deniedByPolicy)
        }
        #expect(script.writes.isEmpty)
    }
}
