import Glibc
import Puppets
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

    private let maker: Puppet

    init() throws {
        maker = try Puppet.maker()
        try maker.limitItself(.openFiles, to: Self.start)
    }

    private func set(soft: Limit.Bound, expecting: Limit?, when place: Seam.Place) throws -> RlimitError? {
        let seam = Seam()
        seam.place = place
        seam.event = { [maker] in try maker.limitItself(.openFiles, to: Self.theirs) }
        let process = SeamedProcess(real: try KernelProcess(pid: maker.pid), seam: seam)
        let facts = AgentFacts(
            pid: getpid(), kernelRelease: "6.1", openFilesCeiling: 1 << 20, canRaise: false, features: [])
        let sink = LogSink(format: .text) { $0.count }
        defer { sink.flush() }
        var handler = RequestHandler(policy: Policy(), facts: facts, audit: Audit(sink: sink))
        let edit = NumericEdit(.openFiles, soft: soft, expecting: expecting)
        let request = Request(id: 1, .set(.pid(maker.pid), EditBatch([edit]), lease: nil))
        // As the process that it is about: what it may do without a rule is enough.
        let peer = Peer(pid: maker.pid, uid: getuid(), gid: getgid())
        var refusal: RlimitError?
        do throws(RlimitError) { _ = try handler.handle(request, from: peer, on: process, isPeer: true) } catch {
            refusal = error
        }
        if let failure = seam.failure { throw failure }
        #expect(seam.hasHappened, "nothing happened \(place)")
        return refusal
    }

    // Of the sequence read, identity, exchange, identity: between the look at the limits and the change.
    private static let places = [
        Seam.Place(call: 0, isAfter: true), Seam.Place(call: 1, isAfter: true), Seam.Place(call: 2, isAfter: false),
    ]

    @Test("is seen by what prlimit(2) returns, put back, and answered CONFLICT", arguments: places)
    func conflict(place: Seam.Place) throws {
        let error = try set(soft: 3000, expecting: Self.start, when: place)
        #expect(error?.code == .conflict, "\(error?.message ?? "")")
        #expect(error?.editIndex == 0)
        #expect(try RootLimits.read(.openFiles, of: maker.pid) == Self.theirs)
    }

    @Test("is overtaken by what expects nothing, which is judged anew")
    func noExpectation() throws {
        #expect(try set(soft: 3000, expecting: nil, when: .init(call: 2, isAfter: false)) == nil)
        #expect(try RootLimits.read(.openFiles, of: maker.pid) == Limit(soft: 3000, hard: 4000))
    }
}
