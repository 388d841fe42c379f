import Testing

@testable import rlimitctl

@Suite("The default process")
struct ParentProcessTests {
    private func usageError(
        pid: Int32 = 4242, sudoUID: String? = nil, uid: UInt32? = 1000, ownUID: UInt32 = 1000, isStill: Bool = true
    ) -> String? {
        ParentProcess(pid: pid, sudoUID: sudoUID).usageError(uid: uid, ownUID: ownUID, isStill: isStill)?.description
    }

    @Test("A parent of the same user is accepted")
    func own() {
        #expect(usageError() == nil)
        #expect(usageError(sudoUID: "") == nil)
        #expect(usageError(uid: 0, ownUID: 0) == nil)
    }

    @Test("Process 1, an invisible parent, another user's parent, an ended parent and sudo are rejected")
    func rejected() {
        let messages = [
            usageError(pid: 1), usageError(pid: 0), usageError(uid: 0), usageError(uid: nil),
            usageError(isStill: false),
            usageError(sudoUID: "1000"),
        ]
        #expect(
            messages.count { $0?.hasSuffix("; select a process, for example with --pid $$") == true }
                == messages.count)
        #expect(Set(messages).count == messages.count - 1, "an unknown user counts as another user")
    }

    @Test("Pid and sudo alone decide before the parent's user id is known")
    func early() {
        #expect(ParentProcess(pid: 4242, sudoUID: nil).usageError == nil)
        #expect(ParentProcess(pid: 1, sudoUID: nil).usageError != nil)
        #expect(ParentProcess(pid: 4242, sudoUID: "0").usageError != nil)
    }
}
