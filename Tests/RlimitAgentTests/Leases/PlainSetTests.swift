import RlimitModel
import Testing

@testable import RlimitAgent

@Suite("Plain sets and the lease table")
struct PlainSetTests {
    private let raise = NumericEdit(.openFiles, soft: 8000, hard: 9000, mode: .atLeast)
    private let core = NumericEdit(.coreFileSize, soft: 5000, hard: 5000, mode: .atLeast)

    @Test("A set asks the lease table one question where no lease holds the limit")
    func oneQuestion() throws {
        var fixture = LeaseFixture()
        #expect(try lookups(of: [raise], &fixture) == 1)
        _ = try fixture.grantLease(core, .duration(.seconds(60)))
        // The process has a lease now, of another limit.
        #expect(try lookups(of: [raise], &fixture) == 1)
        let more = NumericEdit(.openFiles, soft: 10_000, hard: 12_000, mode: .atLeast)
        _ = try fixture.grantLease(more, .duration(.seconds(60)))
        #expect(try lookups(of: [raise], &fixture) > 1)
        fixture.pass(.seconds(61))
        #expect(try lookups(of: [raise], &fixture) == 1)
        #expect(fixture.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
    }

    @Test("A set that is overtaken and authorized again asks the lease table once")
    func retries() throws {
        var fixture = LeaseFixture()
        for exchange in 1...3 {
            fixture.script.beforeExchange[exchange] = { $0.limits[.openFiles].soft += 1 }
        }
        #expect(try lookups(of: [raise], &fixture) == 1)
        #expect(fixture.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
    }

    @Test("A request that changes nothing asks the lease table no question")
    func reads() throws {
        var fixture = LeaseFixture()
        _ = try fixture.grantLease(raise, .duration(.seconds(60)))
        let before = fixture.handler.leases.lookups
        for operation in [
            Request.Operation.get(.caller, ResourceSet(only: .openFiles)), .prlimit(.caller, .openFiles, nil),
        ] {
            _ = try fixture.handler.handle(
                Request(id: 1, operation), from: fixture.peer, on: ScriptedProcess(script: fixture.script),
                isPeer: true)
        }
        #expect(fixture.handler.leases.lookups == before)
    }

    private func lookups(of edits: [NumericEdit], _ fixture: inout LeaseFixture) throws -> Int {
        let before = fixture.handler.leases.lookups
        _ = try fixture.set(edits, nil)
        return fixture.handler.leases.lookups - before
    }
}
