import RlimitModel
import Testing

@testable import RlimitClient

@Suite("Compare-and-set")
struct CompareAndSetTests {
    private static let now = Limit(soft: 1024, hard: 4096)

    @Test("that raises goes to the agent, even if the kernel would permit it")
    func raise() throws {
        let fixture = EditFixture(ceilings: [.openFiles: 9000], privileged: true)
        let edit = NumericEdit(.openFiles, soft: 2000, expecting: Self.now)
        #expect(try fixture.make(edit).map(\.grantedBy) == [.agent(rule: "test")])
        #expect(fixture.agent.requests.map(Array.init) == [[edit]])
        #expect(fixture.kernel.exchanges.isEmpty)
    }

    @Test("that raises fails without an agent")
    func withoutAgent() {
        let fixture = EditFixture(privileged: true)
        fixture.agent.failure = EditFixture.noAgent
        #expect(fixture.error(NumericEdit(.openFiles, soft: 2000, expecting: Self.now))?.code == .agentUnreachable)
        #expect(
            fixture.error(NumericEdit(.openFiles, soft: 2000, mode: .clamp, expecting: Self.now))?.code
                == .agentUnreachable)
    }

    @Test("that only lowers is compared by the client")
    func lower() throws {
        let fixture = EditFixture()
        let edit = NumericEdit(.openFiles, soft: 0, hard: 4000, expecting: Self.now)
        #expect(try fixture.make(edit).map(\.new) == [Limit(soft: 0, hard: 4000)])
        #expect(fixture.agent.requests.isEmpty)
    }

    @Test("changes nothing if the limit is not the expected one")
    func conflict() {
        let fixture = EditFixture()
        let error = fixture.error(
            NumericEdit(.coreFileSize, soft: 0), NumericEdit(.openFiles, soft: 0, expecting: Limit(soft: 1, hard: 4096))
        )
        #expect(error?.code == .conflict)
        #expect(error?.editIndex == 1)
        #expect(error?.message == "nofile is 1024:4096 and not 1:4096 as expected")
        #expect(fixture.kernel.exchanges.isEmpty)
    }

    @Test("is undone if another process changed the limit first")
    func race() {
        let fixture = EditFixture()
        fixture.kernel.meanwhile = { number in
            if number == 0 { fixture.kernel.limits[.openFiles].soft = 1000 }
        }
        #expect(fixture.error(NumericEdit(.openFiles, soft: 0, expecting: Self.now))?.code == .conflict)
        #expect(fixture.kernel.limits[.openFiles] == Limit(soft: 1000, hard: 4096))
    }

    @Test("that raises one half and lowers the other expects the raised half when it lowers")
    func split() throws {
        let fixture = EditFixture(ceilings: [.openFiles: 9000])
        let changes = try fixture.make(NumericEdit(.openFiles, soft: 5, hard: 9000, expecting: Self.now))
        #expect(changes.map(\.new) == [Limit(soft: 5, hard: 9000)])
        #expect(fixture.agent.requests.map(Array.init) == [[NumericEdit(.openFiles, hard: 9000, expecting: Self.now)]])
    }
}

@Suite("An edit that races with another")
struct EditRaceTests {
    @Test("keeps the other process's value of a half that it does not set")
    func otherHalf() throws {
        let fixture = EditFixture()
        fixture.kernel.meanwhile = { number in
            if number == 0 { fixture.kernel.limits[.openFiles].hard = 3000 }
        }
        fixture.kernel.isPrivileged = true
        let changes = try fixture.make(NumericEdit(.openFiles, soft: 0))
        #expect(
            changes == [
                Change(
                    .openFiles, old: Limit(soft: 1024, hard: 3000), new: Limit(soft: 0, hard: 3000), grantedBy: .kernel)
            ])
        #expect(fixture.kernel.limits[.openFiles] == Limit(soft: 0, hard: 3000))
    }

    @Test("that only raises does not lower the other process's higher limit")
    func atLeast() throws {
        let fixture = EditFixture(privileged: true)
        fixture.kernel.meanwhile = { number in
            if number == 0 { fixture.kernel.limits[.openFiles] = Limit(9000) }
        }
        let changes = try fixture.make(NumericEdit(.openFiles, soft: 5000, hard: 5000, mode: .atLeast))
        #expect(changes.map(\.new) == [Limit(9000)])
        #expect(fixture.kernel.limits[.openFiles] == Limit(9000))
    }

    @Test("restores the other process's raise, through the agent if the kernel refuses", arguments: [2000, 5])
    func raisedMeanwhile(soft: Limit.Bound) throws {
        let fixture = EditFixture(ceilings: [.openFiles: 9000])
        fixture.kernel.meanwhile = { number in
            if number == 0 { fixture.kernel.limits[.openFiles].hard = 8000 }
        }
        let changes = try fixture.make(NumericEdit(.openFiles, soft: soft))
        #expect(changes.map(\.new) == [Limit(soft: soft, hard: 8000)])
        #expect(fixture.kernel.limits[.openFiles] == Limit(soft: soft, hard: 8000))
        #expect(fixture.agent.requests.map(Array.init) == [[NumericEdit(.openFiles, soft: soft, hard: 8000)]])
    }
}
