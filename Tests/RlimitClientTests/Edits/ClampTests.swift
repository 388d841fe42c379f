import RlimitModel
import Testing

@testable import RlimitClient

@Suite("A clamp")
struct ClampTests {
    private func clamp(_ bound: Limit.Bound, _ resource: Resource = .openFiles) -> NumericEdit {
        NumericEdit(resource, soft: bound, hard: bound, mode: .clamp)
    }

    @Test("needs no agent if the kernel permits all of it")
    func all() throws {
        let fixture = EditFixture(privileged: true)
        let changes = try fixture.make(clamp(9000))
        #expect(
            changes == [Change(.openFiles, old: Limit(soft: 1024, hard: 4096), new: Limit(9000), grantedBy: .kernel)])
        #expect(fixture.agent.requests.isEmpty)
    }

    @Test("asks the agent if the kernel permits less")
    func agent() throws {
        let fixture = EditFixture(ceilings: [.openFiles: 8000])
        let change = try #require(try fixture.make(clamp(9000)).first)
        #expect(change.new == Limit(8000))
        #expect(change.grantedBy == .agent(rule: "test"))
        #expect(change.shortfall?.code == .deniedByPolicy)
    }

    @Test(
        "is what the kernel permits if the agent is absent or refuses, with the reason",
        arguments: [
            RlimitError.Code.agentUnreachable, .untrustedSocket, .deniedByPolicy, .rateLimited, .quotaExceeded,
            .unsupported,
        ])
    func shortfall(code: RlimitError.Code) throws {
        let fixture = EditFixture()
        fixture.agent.failure = RlimitError(code)
        let changes = try fixture.make(clamp(9000), NumericEdit(.dataSize, soft: 2000))
        #expect(changes.map(\.new) == [Limit(4096), Limit(soft: 2000, hard: 4096)])
        #expect(changes.map(\.shortfall?.code) == [code, nil])
        #expect(changes.allSatisfy { $0.grantedBy == .kernel })
        #expect(changes[0].shortfall?.resource == .openFiles)
    }

    @Test(
        "fails if the agent may have made a change",
        arguments: [RlimitError.Code.deadlineExceeded, .connectionLost, .internalError, .malformed, .targetChanged])
    func uncertain(code: RlimitError.Code) {
        let fixture = EditFixture()
        fixture.agent.failure = RlimitError(code)
        #expect(fixture.error(clamp(9000))?.code == code)
    }

    @Test("stops at the system's ceiling without the agent")
    func ceiling() throws {
        let fixture = EditFixture(privileged: true)
        let change = try #require(try fixture.make(clamp(.infinity)).first)
        #expect(change.new == Limit(1_000_000))
        #expect(change.shortfall?.code == .aboveSystemCeiling)
        #expect(fixture.agent.requests.isEmpty)
    }

    @Test("above the system's ceiling goes to the agent if the kernel does not permit the ceiling")
    func ceilingWithAgent() throws {
        let fixture = EditFixture(ceilings: [.openFiles: 50_000])
        #expect(try fixture.make(clamp(.infinity)).map(\.new) == [Limit(50_000)])
        let alone = EditFixture()
        alone.agent.failure = EditFixture.noAgent
        #expect(try alone.make(clamp(.infinity)).map(\.new) == [Limit(4096)])
    }

    @Test("of the soft half only stops at the hard half")
    func softAlone() throws {
        let fixture = EditFixture()
        #expect(try fixture.make(NumericEdit(.openFiles, soft: 9000, mode: .clamp)).map(\.new) == [Limit(4096)])
    }

    @Test("does not hide the refusal of another edit of the batch")
    func withExact() {
        let fixture = EditFixture()
        fixture.agent.failure = EditFixture.noAgent
        #expect(fixture.error(clamp(9000), NumericEdit(.dataSize, hard: 5000))?.code == .agentUnreachable)
        #expect(fixture.kernel.limits == EditFixture.untouched)
    }
}
