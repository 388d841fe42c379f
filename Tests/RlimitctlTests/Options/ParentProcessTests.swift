import Testing

@testable import rlimitctl

@Suite("The process that is meant where none is named")
struct ParentProcessTests {
    private func usageError(
        pid: Int32 = 4242, sudoUID: String? = nil, uid: UInt32? = 1000, ownUID: UInt32 = 1000, isStill: Bool = true
    ) -> String? {
        ParentProcess(pid: pid, sudoUID: sudoUID).usageError(uid: uid, ownUID: ownUID, isStill: isStill)?.description
    }

    @Test("A parent of one's own is meant")
    func own() {
        #expect(usageError() == nil)
        #expect(usageError(sudoUID: "") == nil)
        #expect(usageError(uid: 0, ownUID: 0) == nil)
    }

    @Test("Pid 1, an unseen parent, another user's, one that ended, and sudo are asked about")
    func doubtful() {
        let complaints = [
            usageError(pid: 1), usageError(pid: 0), usageError(uid: 0), usageError(uid: nil),
            usageError(isStill: false),
            usageError(sudoUID: "1000"),
        ]
        #expect(
            complaints.count { $0?.hasSuffix("; select a process, for example with --pid $$") == true }
                == complaints.count)
        #expect(Set(complaints).count == complaints.count - 1, "an unseen user is another user")
    }

    @Test("Before it was looked at, number and sudo alone decide")
    func early() {
        #expect(ParentProcess(pid: 4242, sudoUID: nil).usageError == nil)
        #expect(ParentProcess(pid: 1, sudoUID: nil).usageError != nil)
        #expect(ParentProcess(pid: 4242, sudoUID: "0").usageError != nil)
    }
}
