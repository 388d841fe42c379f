import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("The end of a lease")
struct LeaseEndTests {
    private let raise = NumericEdit(.openFiles, soft: 8000, hard: 9000, mode: .atLeast)

    @Test("The limits of a program that runs with other ids are lowered only once it has its former ids again")
    func setuid() throws {
        var fixture = LeaseFixture()
        let before = fixture.script.limits[.openFiles]
        let lease = try fixture.grantLease(raise, .duration(.seconds(10)))
        let own = fixture.script.identity
        fixture.script.becomeRoot()
        let writes = fixture.script.writes.count
        for _ in 0..<5 {
            fixture.pass(.seconds(11))
            #expect(fixture.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        }
        #expect(fixture.script.writes.count == writes)
        // The lease has ended for all callers, and is logged once.
        #expect(throws: RlimitError.self) { try fixture.release(lease.id) }
        fixture.flush()
        #expect(fixture.log.count(with: "outcome=identity-changed") == 1)
        fixture.script.identity = own
        fixture.pass(.seconds(3))
        #expect(fixture.script.limits[.openFiles] == before)
        #expect(fixture.text.contains("outcome=restored"))
        #expect(fixture.handler.leases.table.isEmpty)
    }

    @Test(
        "A process that becomes root's between the check and the write gets its limits back",
        arguments: [true, false])
    func setuidMeanwhile(isAfter: Bool) throws {
        var fixture = LeaseFixture()
        let lease = try fixture.grantLease(raise, .duration(.seconds(10)))
        let next = fixture.script.writes.count + 1
        if isAfter {
            fixture.script.afterExchange[next] = { $0.becomeRoot() }
        } else {
            fixture.script.beforeExchange[next] = { $0.becomeRoot() }
        }
        let restorations = try fixture.release(lease.id)
        #expect(restorations.map(\.outcome) == [.identityChanged])
        #expect(fixture.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        #expect(fixture.handler.leases.table.count == 1)
    }

    @Test("A limit that another program changes during the restoration is left as that program set it")
    func changedMeanwhile() throws {
        var fixture = LeaseFixture()
        let lease = try fixture.grantLease(raise, .duration(.seconds(10)))
        let theirs = Limit(soft: 7000, hard: 9000)
        fixture.script.beforeExchange[fixture.script.writes.count + 1] = { $0.limits[.openFiles] = theirs }
        #expect(try fixture.release(lease.id) == [Restoration(.openFiles, .changedByTarget, limit: theirs)])
        #expect(fixture.script.limits[.openFiles] == theirs)
    }

    @Test("No limit of an ended process is written")
    func ended() throws {
        var fixture = LeaseFixture()
        _ = try fixture.grantLease(raise, .duration(.seconds(10)))
        fixture.script.identity = nil
        let writes = fixture.script.writes.count
        fixture.pass(.seconds(11))
        #expect(fixture.script.writes.count == writes)
        #expect(fixture.text.contains("cause=expired outcome=process-ended"))
        #expect(fixture.handler.leases.table.isEmpty)
    }

    @Test("The end of a lease of several limits has an outcome for each limit")
    func several() throws {
        var fixture = LeaseFixture()
        let core = NumericEdit(.coreFileSize, soft: 5000, hard: 5000, mode: .atLeast)
        let lease = try #require(try fixture.set([raise, core], .duration(.seconds(10))).lease)
        #expect(lease.changes.map(\.resource) == [.openFiles, .coreFileSize])
        fixture.script.limits[.coreFileSize].soft = 4500
        #expect(try fixture.release(lease.id).map(\.outcome) == [.restored, .changedByTarget])
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("A grant that the kernel refuses leaves no lease")
    func refused() throws {
        var fixture = LeaseFixture()
        fixture.script.refusals[.coreFileSize] = RlimitError(.deniedByKernel)
        let core = NumericEdit(.coreFileSize, soft: 5000, hard: 5000, mode: .atLeast)
        #expect(throws: RlimitError.self) { try fixture.set([raise, core], .duration(.seconds(10))) }
        #expect(fixture.handler.leases.table.isEmpty)
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("Limits raised for a program that became root's meanwhile are lowered once it has its former ids again")
    func strayGrant() throws {
        var fixture = LeaseFixture()
        let own = fixture.script.identity
        fixture.script.afterExchange[1] = { $0.becomeRoot() }
        let error = #expect(throws: RlimitError.self) { try fixture.grantLease(raise, .duration(.seconds(10))) }
        #expect(error?.code == .targetChanged)
        fixture.pass(.zero)
        #expect(fixture.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        fixture.script.identity = own
        fixture.pass(.seconds(3))
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("The leases of a connection end with it, and the leases of other connections stay")
    func connections() throws {
        var fixture = LeaseFixture()
        _ = try fixture.grantLease(raise, .connection, session: 1)
        let other = NumericEdit(.openFiles, soft: 5000, mode: .atLeast)
        let kept = try fixture.grantLease(other, .connection, session: 2)
        fixture.handler.leases.disconnected(1)
        fixture.pass(.zero)
        #expect(fixture.script.limits[.openFiles].hard == 4096)
        #expect(try fixture.release(kept.id).count == 1)
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }
}
