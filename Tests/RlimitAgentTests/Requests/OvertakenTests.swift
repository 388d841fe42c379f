import Glibc
import ControlledProcesses
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

/// Somebody who calls prlimit(2) past the agent while it is at work, on a process of the real kernel. Soft limits are
/// changed up to the hard one, for which nobody needs a privilege.
@Suite("A limit that is changed past the agent", .serialized)
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
        // As the process that it is about: what it may do without a rule is enough.
        let peer = Peer(pid: spawner.pid, uid: getuid(), gid: getgid())
        var refusal: RlimitError?
        do throws(RlimitError) { _ = try handler.handle(request, from: peer, on: process, isPeer: true) } catch {
            refusal = error
        }
        if let failure = interception.failure { throw failure }
        #expect(interception.hasHappened, "nothing happened \(place)")
        return refusal
    }

    // Of the sequence read, identity, exchange, identity: between the look at the limits and the change.
    private static let places = [
        InterceptionPoint.Place(call: 0, isAfter: true), InterceptionPoint.Place(call: 1, isAfter: true),
        InterceptionPoint.Place(call: 2, isAfter: false),
    ]

    @Test("is seen by what prlimit(2) returns, put back, and answered CONFLICT", arguments: places)
    func conflict(place: InterceptionPoint.Place) throws {
        let error = try set(soft: 3000, expecting: Self.start, when: place)
        #expect(error?.code == .conflict, "\(error?.message ?? "")")
        #expect(error?.editIndex == 0)
        #expect(try RootLimits.read(.openFiles, of: spawner.pid) == Self.theirs)
    }

    @Test("is overtaken by what expects nothing, which is judged anew")
    func noExpectation() throws {
        #expect(try set(soft: 3000, expecting: nil, when: .init(call: 2, isAfter: false)) == nil)
        #expect(try RootLimits.read(.openFiles, of: spawner.pid) == Limit(soft: 3000, hard: 4000))
    }
}
