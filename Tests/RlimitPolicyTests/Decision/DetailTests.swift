import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("When detail is read from /proc")
struct DetailTests {
    struct Unreadable: Error {}

    /// Counts the calls that read detail.
    func asked(_ policy: Policy, _ request: Request, by peer: Peer = caller(), on snapshot: TargetSnapshot) -> Int {
        var count = 0
        _ = policy.authorize(request, from: peer, on: snapshot) {
            count += 1
            return plain
        }
        return count
    }

    @Test("A baseline read, and a caller that concerns itself, need no detail")
    func never() throws {
        let deny = DenyRule(name: "d", caller: .everyone, target: TargetPattern(.samePod))
        let policy = Policy(allows: [allow(), allow("other", target: TargetPattern(.sameCgroup))], denies: [deny])
        for request in [get, usage] {
            #expect(asked(policy, request, on: itself()) == 0)
            #expect(asked(policy, request, on: process()) == 0)
        }
        for request in [set(files(8192)), set(NumericEdit(.openFiles, soft: 4096)), set(files(.infinity, .clamp))] {
            #expect(asked(policy, request, on: itself()) == 0)
        }
        #expect(asked(.baselineOnly, set(NumericEdit(.openFiles, soft: 4096)), on: process()) == 0)
        #expect(asked(.baselineOnly, set(files(8192)), on: process(uid: 1001)) == 0)
    }

    @Test("A rule that depends on a detail reads it once, for any number of edits")
    func once() {
        let policy = Policy(allows: [
            allow(target: TargetPattern(.any)), allow("b", target: TargetPattern(.descendant)),
        ])
        let edits = EditBatch([files(8192), NumericEdit(.cpuTime, soft: 4096), NumericEdit(.nice, soft: 4096)])
        #expect(asked(policy, Request(id: 1, .set(.caller, edits, lease: nil)), on: process()) == 1)
        #expect(asked(policy, get, on: process(uid: 1001)) == 1)
        #expect(
            asked(
                .baselineOnly, set(NumericEdit(.nice, soft: 4096)), by: caller(uid: 0, gid: 0),
                on: process(uid: 0, gid: 0)) == 1)
    }

    @Test("A failure to read the detail is passed on")
    func unreadable() {
        let policy = Policy(allows: [allow(target: TargetPattern(.any))])
        #expect(throws: Unreadable.self) {
            try policy.authorize(set(files(8192)), from: caller(), on: process()) { () throws(Unreadable) in
                throw Unreadable()
            }
        }
    }
}
