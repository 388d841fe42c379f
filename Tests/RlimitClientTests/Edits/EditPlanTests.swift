import RlimitModel
import Testing

@testable import RlimitClient

@Suite("A batch of edits")
struct EditPlanTests {
    @Test("that the kernel permits is made without the agent")
    func kernelFirst() throws {
        let fixture = EditFixture()
        let changes = try fixture.make(
            NumericEdit(.openFiles, soft: 4096), NumericEdit(.coreFileSize, soft: 0, hard: 0),
            NumericEdit(.stackSize, soft: 4000, hard: 4000))
        #expect(changes.map(\.new) == [Limit(4096), Limit(0), Limit(4000)])
        #expect(changes.allSatisfy { $0.grantedBy == .kernel && $0.old == Limit(soft: 1024, hard: 4096) })
        #expect(fixture.agent.requests.isEmpty)
    }

    @Test("lowers hard limits last, because that cannot be undone")
    func order() throws {
        let fixture = EditFixture(privileged: true)
        _ = try fixture.make(
            NumericEdit(.coreFileSize, hard: 2000), NumericEdit(.stackSize, soft: 0),
            NumericEdit(.dataSize, soft: 2000),
            NumericEdit(.openFiles, hard: 9000))
        #expect(fixture.kernel.exchanges.map(\.resource) == [.openFiles, .dataSize, .stackSize, .coreFileSize])
    }

    @Test("goes to the agent with all raising edits at once, and the client then makes the lowering ones")
    func agentRaises() throws {
        let fixture = EditFixture(ceilings: [.openFiles: 9000])
        let changes = try fixture.make(
            NumericEdit(.coreFileSize, soft: 0), NumericEdit(.openFiles, soft: 8000, hard: 8000),
            NumericEdit(.dataSize, soft: 2000))
        #expect(
            fixture.agent.requests.map(Array.init) == [
                [NumericEdit(.openFiles, soft: 8000, hard: 8000), NumericEdit(.dataSize, soft: 2000)]
            ])
        #expect(changes.map(\.resource) == [.coreFileSize, .openFiles, .dataSize])
        #expect(changes.map(\.grantedBy) == [.kernel, .agent(rule: "test"), .agent(rule: "test")])
        // One refusal, and then the lowering edit only.
        #expect(fixture.kernel.exchanges.map(\.resource) == [.openFiles, .coreFileSize])
    }

    @Test("is split if an edit raises one half and lowers the other")
    func split() throws {
        let fixture = EditFixture(ceilings: [.openFiles: 9000])
        let changes = try fixture.make(NumericEdit(.openFiles, soft: 100, hard: 8000))
        #expect(fixture.agent.requests.map(Array.init) == [[NumericEdit(.openFiles, hard: 8000)]])
        #expect(
            changes == [
                Change(
                    .openFiles, old: Limit(soft: 1024, hard: 4096), new: Limit(soft: 100, hard: 8000),
                    grantedBy: .agent(rule: "test"))
            ])
        #expect(fixture.kernel.limits[.openFiles] == Limit(soft: 100, hard: 8000))
    }

    @Test("is split also if the soft half is raised and the hard half lowered")
    func splitSoftUp() throws {
        let fixture = EditFixture(ceilings: [.dataSize: 9000])
        _ = try fixture.make(NumericEdit(.openFiles, soft: 2000, hard: 2000), NumericEdit(.dataSize, hard: 9000))
        #expect(
            fixture.agent.requests.map(Array.init) == [
                [NumericEdit(.openFiles, soft: 2000), NumericEdit(.dataSize, hard: 9000)]
            ])
        #expect(fixture.kernel.limits[.openFiles] == Limit(2000))
    }

    @Test("is not split if the kernel permits both halves")
    func unsplit() throws {
        let fixture = EditFixture()
        _ = try fixture.make(NumericEdit(.openFiles, soft: 2000, hard: 2000))
        #expect(fixture.agent.requests.isEmpty)
        #expect(fixture.kernel.exchanges.count == 1)
    }

    @Test("changes nothing if the agent refuses, and the error has the index in the batch")
    func refused() {
        let fixture = EditFixture(ceilings: [.dataSize: 9000])
        let error = fixture.error(
            NumericEdit(.coreFileSize, soft: 0), NumericEdit(.dataSize, hard: 5000),
            NumericEdit(.stackSize, hard: 5000))
        #expect(error?.code == .deniedByPolicy)
        #expect(error?.editIndex == 2)
        #expect(fixture.kernel.limits == EditFixture.untouched)
    }

    @Test("without an agent fails with the kernel's refusal and the unreachable agent")
    func noAgent() {
        let fixture = EditFixture()
        fixture.agent.failure = EditFixture.noAgent
        let error = fixture.error(NumericEdit(.dataSize, soft: 2000), NumericEdit(.openFiles, hard: 5000))
        #expect(error?.code == .agentUnreachable)
        #expect(error?.resource == .openFiles)
        #expect(error?.editIndex == 1)
        #expect(error?.message == "refused by the kernel, and no agent answers")
        #expect(fixture.kernel.limits == EditFixture.untouched)
    }

    @Test("that changes nothing makes no request")
    func nothing() throws {
        let fixture = EditFixture()
        let changes = try fixture.make(
            NumericEdit(.openFiles, soft: 5, hard: 5, mode: .atLeast), NumericEdit(.dataSize, soft: 1024),
            NumericEdit(.stackSize, soft: 10, hard: 20, mode: .clamp))
        #expect(changes.allSatisfy { $0.old == $0.new && $0.shortfall == nil })
        #expect(fixture.kernel.exchanges.isEmpty && fixture.agent.requests.isEmpty)
        #expect(try fixture.make().isEmpty)
    }

    @Test("is refused as a whole if one edit is invalid")
    func invalid() {
        let fixture = EditFixture()
        let above = fixture.error(NumericEdit(.coreFileSize, soft: 0), NumericEdit(.openFiles, soft: 10, hard: 5))
        #expect(above?.code == .softExceedsHard)
        #expect(above?.editIndex == 1)
        #expect(above?.message.contains("soft 10 is above hard 5") == true)
        let twice = fixture.error(NumericEdit(.openFiles, soft: 1), NumericEdit(.openFiles, hard: 2000))
        #expect(twice?.code == .invalidArgument)
        #expect(twice?.editIndex == 1)
        #expect(fixture.error(NumericEdit(.openFiles, soft: 5000))?.code == .softExceedsHard)
        #expect(fixture.kernel.exchanges.isEmpty && fixture.agent.requests.isEmpty)
    }

    @Test("above the system's ceiling does not go to the agent, which could not help")
    func ceiling() {
        let fixture = EditFixture(ceilings: [.openFiles: .infinity])
        #expect(fixture.error(NumericEdit(.openFiles, hard: 1_000_001))?.code == .aboveSystemCeiling)
        #expect(fixture.agent.requests.isEmpty)
    }

    @Test("that fails midway is undone")
    func undone() {
        let fixture = EditFixture(privileged: true)
        fixture.kernel.failures[2] = RlimitError(.internalError)
        let error = fixture.error(
            NumericEdit(.openFiles, hard: 9000), NumericEdit(.dataSize, soft: 2000),
            NumericEdit(.stackSize, soft: 0))
        #expect(error?.code == .internalError)
        #expect(error?.resource == .stackSize)
        #expect(fixture.kernel.limits == EditFixture.untouched)
    }

    @Test("undoes the agent's raises if the lowering fails")
    func undoneAfterAgent() {
        let fixture = EditFixture(ceilings: [.openFiles: 9000])
        fixture.kernel.failures[1] = RlimitError(.deniedByKernel)
        let error = fixture.error(NumericEdit(.openFiles, soft: 8000, hard: 9000), NumericEdit(.stackSize, soft: 0))
        #expect(error?.code == .deniedByKernel)
        #expect(fixture.agent.requests.count == 1)
        #expect(fixture.kernel.limits == EditFixture.untouched)
    }

    @Test("names the changes that could not be undone")
    func notUndone() {
        let fixture = EditFixture()
        fixture.kernel.failures[1] = RlimitError(.internalError, message: "broken")
        let error = fixture.error(NumericEdit(.openFiles, hard: 2000), NumericEdit(.stackSize, hard: 2000))
        #expect(error?.message == "broken; nofile could not be restored to 1024:4096")
    }

    @Test("fails if the agent's changes do not match the request")
    func otherAnswer() throws {
        let kernel = EditFixture().kernel
        let plan = try EditPlan([NumericEdit(.openFiles, hard: 9000)], now: kernel.limits)
        #expect(throws: RlimitError(.malformed, message: "the agent's changes do not match the requested edits")) {
            try plan.apply(on: kernel) { _ throws(RlimitError) in
                [Change(.dataSize, old: Limit(1), new: Limit(2), grantedBy: .agent(rule: nil))]
            }
        }
    }
}
