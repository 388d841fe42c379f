import RlimitModel
import Testing

@testable import RlimitClient

/// A process with soft 1024 and hard 4096 of everything, and the two who may change that.
private struct Fixture {
    let kernel: KernelModel
    let agent: AgentModel

    init(ceilings: [Resource: Limit.Bound] = [:], privileged: Bool = false) {
        kernel = KernelModel(Limits(repeating: Limit(soft: 1024, hard: 4096)))
        kernel.isPrivileged = privileged
        agent = AgentModel(kernel, ceilings: ceilings)
    }

    func make(_ edits: NumericEdit...) throws(RlimitError) -> [Change] {
        try EditPlan(edits, now: kernel.limits).apply(on: kernel, asking: agent.make)
    }

    func error(_ edits: NumericEdit...) -> RlimitError? {
        do throws(RlimitError) {
            _ = try EditPlan(edits, now: kernel.limits).apply(on: kernel, asking: agent.make)
            return nil
        } catch {
            return error
        }
    }

    static let untouched = Limits(repeating: Limit(soft: 1024, hard: 4096))
    static let nobody = RlimitError(.agentUnreachable, message: "no agent answers")
}

@Suite("A batch of edits")
struct EditPlanTests {
    @Test("that the kernel allows is made without the agent")
    func kernelFirst() throws {
        let scene = Fixture()
        let changes = try scene.make(
            NumericEdit(.openFiles, soft: 4096), NumericEdit(.coreFileSize, soft: 0, hard: 0),
            NumericEdit(.stackSize, soft: 4000, hard: 4000))
        #expect(changes.map(\.new) == [Limit(4096), Limit(0), Limit(4000)])
        #expect(changes.allSatisfy { $0.grantedBy == .kernel && $0.old == Limit(soft: 1024, hard: 4096) })
        #expect(scene.agent.requests.isEmpty)
    }

    @Test("lowers hard limits last, for nobody can take that back")
    func order() throws {
        let scene = Fixture(privileged: true)
        _ = try scene.make(
            NumericEdit(.coreFileSize, hard: 2000), NumericEdit(.stackSize, soft: 0),
            NumericEdit(.dataSize, soft: 2000),
            NumericEdit(.openFiles, hard: 9000))
        #expect(scene.kernel.exchanges.map(\.resource) == [.openFiles, .dataSize, .stackSize, .coreFileSize])
    }

    @Test("goes to the agent with all that it raises at once, and the client lowers after that")
    func agentRaises() throws {
        let scene = Fixture(ceilings: [.openFiles: 9000])
        let changes = try scene.make(
            NumericEdit(.coreFileSize, soft: 0), NumericEdit(.openFiles, soft: 8000, hard: 8000),
            NumericEdit(.dataSize, soft: 2000))
        #expect(
            scene.agent.requests.map(Array.init) == [
                [NumericEdit(.openFiles, soft: 8000, hard: 8000), NumericEdit(.dataSize, soft: 2000)]
            ])
        #expect(changes.map(\.resource) == [.coreFileSize, .openFiles, .dataSize])
        #expect(changes.map(\.grantedBy) == [.kernel, .agent(rule: "test"), .agent(rule: "test")])
        // Refused once, and then only the lowering.
        #expect(scene.kernel.exchanges.map(\.resource) == [.openFiles, .coreFileSize])
    }

    @Test("is split where one edit raises one half and lowers the other")
    func split() throws {
        let scene = Fixture(ceilings: [.openFiles: 9000])
        let changes = try scene.make(NumericEdit(.openFiles, soft: 100, hard: 8000))
        #expect(scene.agent.requests.map(Array.init) == [[NumericEdit(.openFiles, hard: 8000)]])
        #expect(
            changes == [
                Change(
                    .openFiles, old: Limit(soft: 1024, hard: 4096), new: Limit(soft: 100, hard: 8000),
                    grantedBy: .agent(rule: "test"))
            ])
        #expect(scene.kernel.limits[.openFiles] == Limit(soft: 100, hard: 8000))
    }

    @Test("is split the other way round too")
    func splitSoftUp() throws {
        let scene = Fixture(ceilings: [.dataSize: 9000])
        _ = try scene.make(NumericEdit(.openFiles, soft: 2000, hard: 2000), NumericEdit(.dataSize, hard: 9000))
        #expect(
            scene.agent.requests.map(Array.init) == [
                [NumericEdit(.openFiles, soft: 2000), NumericEdit(.dataSize, hard: 9000)]
            ])
        #expect(scene.kernel.limits[.openFiles] == Limit(2000))
    }

    @Test("is not split where the kernel allows both halves")
    func unsplit() throws {
        let scene = Fixture()
        _ = try scene.make(NumericEdit(.openFiles, soft: 2000, hard: 2000))
        #expect(scene.agent.requests.isEmpty)
        #expect(scene.kernel.exchanges.count == 1)
    }

    @Test("leaves everything as it was when the agent refuses, and names the edit by its place in the batch")
    func refused() {
        let scene = Fixture(ceilings: [.dataSize: 9000])
        let error = scene.error(
            NumericEdit(.coreFileSize, soft: 0), NumericEdit(.dataSize, hard: 5000),
            NumericEdit(.stackSize, hard: 5000))
        #expect(error?.code == .deniedByPolicy)
        #expect(error?.editIndex == 2)
        #expect(scene.kernel.limits == Fixture.untouched)
    }

    @Test("without an agent says what the kernel said and that nobody answers")
    func noAgent() {
        let scene = Fixture()
        scene.agent.failure = Fixture.nobody
        let error = scene.error(NumericEdit(.dataSize, soft: 2000), NumericEdit(.openFiles, hard: 5000))
        #expect(error?.code == .agentUnreachable)
        #expect(error?.resource == .openFiles)
        #expect(error?.editIndex == 1)
        #expect(error?.message == "refused by the kernel, and no agent answers")
        #expect(scene.kernel.limits == Fixture.untouched)
    }

    @Test("that changes nothing asks nobody")
    func nothing() throws {
        let scene = Fixture()
        let changes = try scene.make(
            NumericEdit(.openFiles, soft: 5, hard: 5, mode: .atLeast), NumericEdit(.dataSize, soft: 1024),
            NumericEdit(.stackSize, soft: 10, hard: 20, mode: .clamp))
        #expect(changes.allSatisfy { $0.old == $0.new && $0.shortfall == nil })
        #expect(scene.kernel.exchanges.isEmpty && scene.agent.requests.isEmpty)
        #expect(try scene.make().isEmpty)
    }

    @Test("is refused as a whole where one edit makes no sense")
    func senseless() {
        let scene = Fixture()
        let above = scene.error(NumericEdit(.coreFileSize, soft: 0), NumericEdit(.openFiles, soft: 10, hard: 5))
        #expect(above?.code == .softExceedsHard)
        #expect(above?.editIndex == 1)
        #expect(above?.message.contains("soft 10 is above hard 5") == true)
        let twice = scene.error(NumericEdit(.openFiles, soft: 1), NumericEdit(.openFiles, hard: 2000))
        #expect(twice?.code == .invalidArgument)
        #expect(twice?.editIndex == 1)
        #expect(scene.error(NumericEdit(.openFiles, soft: 5000))?.code == .softExceedsHard)
        #expect(scene.kernel.exchanges.isEmpty && scene.agent.requests.isEmpty)
    }

    @Test("above the system's ceiling does not go to the agent, who could not help")
    func ceiling() {
        let scene = Fixture(ceilings: [.openFiles: .infinity])
        #expect(scene.error(NumericEdit(.openFiles, hard: 1_000_001))?.code == .aboveSystemCeiling)
        #expect(scene.agent.requests.isEmpty)
    }

    @Test("that cannot be carried through is taken back")
    func undone() {
        let scene = Fixture(privileged: true)
        scene.kernel.failures[2] = RlimitError(.internalError)
        let error = scene.error(
            NumericEdit(.openFiles, hard: 9000), NumericEdit(.dataSize, soft: 2000),
            NumericEdit(.stackSize, soft: 0))
        #expect(error?.code == .internalError)
        #expect(error?.resource == .stackSize)
        #expect(scene.kernel.limits == Fixture.untouched)
    }

    @Test("takes back what the agent raised when the lowering fails")
    func undoneAfterAgent() {
        let scene = Fixture(ceilings: [.openFiles: 9000])
        scene.kernel.failures[1] = RlimitError(.deniedByKernel)
        let error = scene.error(NumericEdit(.openFiles, soft: 8000, hard: 9000), NumericEdit(.stackSize, soft: 0))
        #expect(error?.code == .deniedByKernel)
        #expect(scene.agent.requests.count == 1)
        #expect(scene.kernel.limits == Fixture.untouched)
    }

    @Test("says what could not be put back")
    func notUndone() {
        let scene = Fixture()
        scene.kernel.failures[1] = RlimitError(.internalError, message: "broken")
        let error = scene.error(NumericEdit(.openFiles, hard: 2000), NumericEdit(.stackSize, hard: 2000))
        #expect(error?.message == "broken; nofile could not be put back to 1024:4096")
    }

    @Test("does not trust an agent that answers other edits")
    func otherAnswer() throws {
        let kernel = Fixture().kernel
        let plan = try EditPlan([NumericEdit(.openFiles, hard: 9000)], now: kernel.limits)
        #expect(throws: RlimitError(.malformed, message: "the agent answered other edits than it was asked for")) {
            try plan.apply(on: kernel) { _ throws(RlimitError) in
                [Change(.dataSize, old: Limit(1), new: Limit(2), grantedBy: .agent(rule: nil))]
            }
        }
    }
}

@Suite("As much as one may have")
struct ClampTests {
    private func clamp(_ bound: Limit.Bound, _ resource: Resource = .openFiles) -> NumericEdit {
        NumericEdit(resource, soft: bound, hard: bound, mode: .clamp)
    }

    @Test("needs no agent where the kernel gives all of it")
    func all() throws {
        let scene = Fixture(privileged: true)
        let changes = try scene.make(clamp(9000))
        #expect(
            changes == [Change(.openFiles, old: Limit(soft: 1024, hard: 4096), new: Limit(9000), grantedBy: .kernel)])
        #expect(scene.agent.requests.isEmpty)
    }

    @Test("asks the agent where the kernel alone falls short")
    func agent() throws {
        let scene = Fixture(ceilings: [.openFiles: 8000])
        let change = try #require(try scene.make(clamp(9000)).first)
        #expect(change.new == Limit(8000))
        #expect(change.grantedBy == .agent(rule: "test"))
        #expect(change.shortfall?.code == .deniedByPolicy)
    }

    @Test(
        "is what the kernel gave where the agent is not there or will not help, with the reason",
        arguments: [
            RlimitError.Code.agentUnreachable, .untrustedSocket, .deniedByPolicy, .rateLimited, .quotaExceeded,
            .unsupported,
        ])
    func shortfall(code: RlimitError.Code) throws {
        let scene = Fixture()
        scene.agent.failure = RlimitError(code)
        let changes = try scene.make(clamp(9000), NumericEdit(.dataSize, soft: 2000))
        #expect(changes.map(\.new) == [Limit(4096), Limit(soft: 2000, hard: 4096)])
        #expect(changes.map(\.shortfall?.code) == [code, nil])
        #expect(changes.allSatisfy { $0.grantedBy == .kernel })
        #expect(changes[0].shortfall?.resource == .openFiles)
    }

    @Test(
        "fails where the agent may have done something",
        arguments: [RlimitError.Code.deadlineExceeded, .connectionLost, .internalError, .malformed, .targetChanged])
    func uncertain(code: RlimitError.Code) {
        let scene = Fixture()
        scene.agent.failure = RlimitError(code)
        #expect(scene.error(clamp(9000))?.code == code)
    }

    @Test("stops at the system's ceiling and needs no agent for that")
    func ceiling() throws {
        let scene = Fixture(privileged: true)
        let change = try #require(try scene.make(clamp(.infinity)).first)
        #expect(change.new == Limit(1_000_000))
        #expect(change.shortfall?.code == .aboveSystemCeiling)
        #expect(scene.agent.requests.isEmpty)
    }

    @Test("asks the agent for what is above the system's ceiling where the kernel does not give even that")
    func ceilingWithAgent() throws {
        let scene = Fixture(ceilings: [.openFiles: 50_000])
        #expect(try scene.make(clamp(.infinity)).map(\.new) == [Limit(50_000)])
        let alone = Fixture()
        alone.agent.failure = Fixture.nobody
        #expect(try alone.make(clamp(.infinity)).map(\.new) == [Limit(4096)])
    }

    @Test("of the soft half alone stops at the hard one")
    func softAlone() throws {
        let scene = Fixture()
        #expect(try scene.make(NumericEdit(.openFiles, soft: 9000, mode: .clamp)).map(\.new) == [Limit(4096)])
    }

    @Test("does not hide that another edit of the batch was refused")
    func withExact() {
        let scene = Fixture()
        scene.agent.failure = Fixture.nobody
        #expect(scene.error(clamp(9000), NumericEdit(.dataSize, hard: 5000))?.code == .agentUnreachable)
        #expect(scene.kernel.limits == Fixture.untouched)
    }
}

@Suite("Compare-and-set")
struct ExpectingTests {
    private static let now = Limit(soft: 1024, hard: 4096)

    @Test("that raises is the agent's, whatever the kernel would say")
    func raise() throws {
        let scene = Fixture(ceilings: [.openFiles: 9000], privileged: true)
        let edit = NumericEdit(.openFiles, soft: 2000, expecting: Self.now)
        #expect(try scene.make(edit).map(\.grantedBy) == [.agent(rule: "test")])
        #expect(scene.agent.requests.map(Array.init) == [[edit]])
        #expect(scene.kernel.exchanges.isEmpty)
    }

    @Test("that raises fails without an agent")
    func withoutAgent() {
        let scene = Fixture(privileged: true)
        scene.agent.failure = Fixture.nobody
        #expect(scene.error(NumericEdit(.openFiles, soft: 2000, expecting: Self.now))?.code == .agentUnreachable)
        #expect(
            scene.error(NumericEdit(.openFiles, soft: 2000, mode: .clamp, expecting: Self.now))?.code
                == .agentUnreachable)
    }

    @Test("that only lowers is checked by the client itself")
    func lower() throws {
        let scene = Fixture()
        let edit = NumericEdit(.openFiles, soft: 0, hard: 4000, expecting: Self.now)
        #expect(try scene.make(edit).map(\.new) == [Limit(soft: 0, hard: 4000)])
        #expect(scene.agent.requests.isEmpty)
    }

    @Test("does nothing where the limits are others")
    func conflict() {
        let scene = Fixture()
        let error = scene.error(
            NumericEdit(.coreFileSize, soft: 0), NumericEdit(.openFiles, soft: 0, expecting: Limit(soft: 1, hard: 4096))
        )
        #expect(error?.code == .conflict)
        #expect(error?.editIndex == 1)
        #expect(error?.message == "nofile is 1024:4096 and not 1:4096 as expected")
        #expect(scene.kernel.exchanges.isEmpty)
    }

    @Test("is put back where somebody else was quicker")
    func race() {
        let scene = Fixture()
        scene.kernel.meanwhile = { number in
            if number == 0 { scene.kernel.limits[.openFiles].soft = 1000 }
        }
        #expect(scene.error(NumericEdit(.openFiles, soft: 0, expecting: Self.now))?.code == .conflict)
        #expect(scene.kernel.limits[.openFiles] == Limit(soft: 1000, hard: 4096))
    }

    @Test("that raises one half and lowers the other expects the raised one when it lowers")
    func split() throws {
        let scene = Fixture(ceilings: [.openFiles: 9000])
        let changes = try scene.make(NumericEdit(.openFiles, soft: 5, hard: 9000, expecting: Self.now))
        #expect(changes.map(\.new) == [Limit(soft: 5, hard: 9000)])
        #expect(scene.agent.requests.map(Array.init) == [[NumericEdit(.openFiles, hard: 9000, expecting: Self.now)]])
    }
}

@Suite("An edit that races with another")
struct EditRaceTests {
    @Test("keeps a half that it does not mention as the other left it")
    func otherHalf() throws {
        let scene = Fixture()
        scene.kernel.meanwhile = { number in
            if number == 0 { scene.kernel.limits[.openFiles].hard = 3000 }
        }
        scene.kernel.isPrivileged = true
        let changes = try scene.make(NumericEdit(.openFiles, soft: 0))
        #expect(
            changes == [
                Change(
                    .openFiles, old: Limit(soft: 1024, hard: 3000), new: Limit(soft: 0, hard: 3000), grantedBy: .kernel)
            ])
        #expect(scene.kernel.limits[.openFiles] == Limit(soft: 0, hard: 3000))
    }

    @Test("does not lower what the other raised higher, where it was only to raise")
    func atLeast() throws {
        let scene = Fixture(privileged: true)
        scene.kernel.meanwhile = { number in
            if number == 0 { scene.kernel.limits[.openFiles] = Limit(9000) }
        }
        let changes = try scene.make(NumericEdit(.openFiles, soft: 5000, hard: 5000, mode: .atLeast))
        #expect(changes.map(\.new) == [Limit(9000)])
        #expect(scene.kernel.limits[.openFiles] == Limit(9000))
    }

    @Test("gives back what the other raised, by the agent where the kernel refuses", arguments: [2000, 5])
    func raisedMeanwhile(soft: Limit.Bound) throws {
        let scene = Fixture(ceilings: [.openFiles: 9000])
        scene.kernel.meanwhile = { number in
            if number == 0 { scene.kernel.limits[.openFiles].hard = 8000 }
        }
        let changes = try scene.make(NumericEdit(.openFiles, soft: soft))
        #expect(changes.map(\.new) == [Limit(soft: soft, hard: 8000)])
        #expect(scene.kernel.limits[.openFiles] == Limit(soft: soft, hard: 8000))
        #expect(scene.agent.requests.map(Array.init) == [[NumericEdit(.openFiles, soft: soft, hard: 8000)]])
    }
}
