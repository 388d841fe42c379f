import Glibc
import ControlledProcesses
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

/// Another process changes a limit with prlimit(2) during a request. It changes the soft limit up to the hard limit,
/// which needs no privilege.
@Suite("A limit that another process changes", .serialized)
struct OvertakenTests {
    private static let start = Limit(soft: 1000, hard: 4000)
    private static let theirs = Limit(soft: 1500, hard: 4000)

    private let spawner: ControlledProcess

    init() throws {
        spawner = try ControlledProcess.spawner()
        try spawner.setOwnLimit(.openFiles, to: Self.start)
    }

    private func set(soft: Limit.Bound, expecting: Limit?, when place: InterceptionPoint.Place) throws -> RlimitError? {
        let interception = InterceptionPoint()
        interception.place = place
        interception.event = { [spawner] in try spawner.setOwnLimit(.openFiles, to: Self.theirs) }
        let process = InterceptedProcess(real: try LinuxProcess(pid: spawner.pid), interception: interception)
        let facts = AgentFacts(
            pid: getpid(), kernelRelease: "6.1", openFilesCeiling: 1 << 20, canRaise: false, features: [])
        let sink = LogSink(format: .text) { $0.count }
        defer { sink.flush() }
        var handler = RequestHandler(policy: Policy(), facts: facts, audit: AuditLog(sink: sink))
        let edit = NumericEdit(.openFiles, soft: soft, expecting: expecting)
        let request = Request(id: 1, .set(.pid(spawner.pid), EditBatch([edit]), lease: nil))
        // The peer is the target, so the request needs no rule.
        let peer = Peer(pid: spawner.pid, uid: getuid(), gid: getgid())
        var refusal: RlimitError?
        do throws(RlimitError) { _ = try handler.handle(request, from: peer, on: process, isPeer: true) } catch {
            refusal = error
        }
        if let failure = interception.failure { throw failure }
        #expect(interception.hasHappened, "nothing happened \(place)")
        return refusal
    }

    // In the sequence read, identity, exchange, identity: between the read and the change.
    private static let places = [
        InterceptionPoint.Place(call: 0, isAfter: true), InterceptionPoint.Place(call: 1, isAfter: true),
        InterceptionPoint.Place(call: 2, isAfter: false),
    ]

    @Test("A change that the request does not expect is restored and answered CONFLICT", arguments: places)
    func conflict(place: InterceptionPoint.Place) throws {
        let error = try set(soft: 3000, expecting: Self.start, when: place)
        #expect(error?.code == .conflict, "\(error?.message ?? "")")
        #expect(error?.editIndex == 0)
        #expect(try RootLimits.read(.openFiles, of: spawner.pid) == Self.theirs)
    }

    @Test("A request without an expectation is decided again and succeeds")
    func noExpectation() throws {
        #expect(try set(soft: 3000, expecting: nil, when: .init(call: 2, isAfter: false)) == nil)
        #expect(try RootLimits.read(.openFiles, of: spawner.pid) == Limit(soft: 3000, hard: 4000))
    }
}
