import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("The end of a lease")
struct LeaseEndTests {
    private let raise = NumericEdit(.openFiles, soft: 8000, hard: 9000, mode: .atLeast)

    @Test("A program that runs with other ids is not lowered; once the ids are back, it is")
    func setuid() throws {
        var world = LeaseWorld()
        let before = world.script.limits[.openFiles]
        let lease = try world.lend(raise, .duration(.seconds(10)))
        let own = world.script.identity
        world.script.becomeRoot()
        let writes = world.script.writes.count
        for _ in 0..<5 {
            world.pass(.seconds(11))
            #expect(world.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        }
        #expect(world.script.writes.count == writes)
        // It is over for everyone else, and told of once.
        #expect(throws: RlimitError.self) { try world.release(lease.id) }
        world.flush()
        #expect(world.log.count(with: "outcome=identity-changed") == 1)
        world.script.identity = own
        world.pass(.seconds(3))
        #expect(world.script.limits[.openFiles] == before)
        #expect(world.text.contains("outcome=restored"))
        #expect(world.handler.leases.book.isEmpty)
    }

    @Test(
        "One that becomes root's between the look and the lowering has its limits raised again",
        arguments: [true, false])
    func setuidMeanwhile(isAfter: Bool) throws {
        var world = LeaseWorld()
        let lease = try world.lend(raise, .duration(.seconds(10)))
        let next = world.script.writes.count + 1
        if isAfter {
            world.script.afterExchange[next] = { $0.becomeRoot() }
        } else {
            world.script.beforeExchange[next] = { $0.becomeRoot() }
        }
        let restorations = try world.release(lease.id)
        #expect(restorations.map(\.outcome) == [.identityChanged])
        #expect(world.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        #expect(world.handler.leases.book.count == 1)
    }

    @Test("A limit that somebody changes at the very moment is left as they set it")
    func changedMeanwhile() throws {
        var world = LeaseWorld()
        let lease = try world.lend(raise, .duration(.seconds(10)))
        let theirs = Limit(soft: 7000, hard: 9000)
        world.script.beforeExchange[world.script.writes.count + 1] = { $0.limits[.openFiles] = theirs }
        #expect(try world.release(lease.id) == [Restoration(.openFiles, .changedByTarget, limit: theirs)])
        #expect(world.script.limits[.openFiles] == theirs)
    }

    @Test("Of a process that has ended nothing is written")
    func ended() throws {
        var world = LeaseWorld()
        _ = try world.lend(raise, .duration(.seconds(10)))
        world.script.identity = nil
        let writes = world.script.writes.count
        world.pass(.seconds(11))
        #expect(world.script.writes.count == writes)
        #expect(world.text.contains("cause=expired outcome=process-ended"))
        #expect(world.handler.leases.book.isEmpty)
    }

    @Test("A lease of several limits gives each its own end")
    func several() throws {
        var world = LeaseWorld()
        let core = NumericEdit(.coreFileSize, soft: 5000, hard: 5000, mode: .atLeast)
        let lease = try #require(try world.set([raise, core], .duration(.seconds(10))).lease)
        #expect(lease.changes.map(\.resource) == [.openFiles, .coreFileSize])
        world.script.limits[.coreFileSize].soft = 4500
        #expect(try world.release(lease.id).map(\.outcome) == [.restored, .changedByTarget])
        #expect(world.script.limits[.openFiles] == world.script.before)
    }

    @Test("A grant that the kernel refuses leaves no lease")
    func refused() throws {
        var world = LeaseWorld()
        world.script.refusals[.coreFileSize] = RlimitError(.deniedByKernel)
        let core = NumericEdit(.coreFileSize, soft: 5000, hard: 5000, mode: .atLeast)
        #expect(throws: RlimitError.self) { try world.set([raise, core], .duration(.seconds(10))) }
        #expect(world.handler.leases.book.isEmpty)
        #expect(world.script.limits[.openFiles] == world.script.before)
    }

    @Test("What was raised for a program that became root's meanwhile comes down once its ids are back")
    func strayGrant() throws {
        var world = LeaseWorld()
        let own = world.script.identity
        world.script.afterExchange[1] = { $0.becomeRoot() }
        let error = #expect(throws: RlimitError.self) { try world.lend(raise, .duration(.seconds(10))) }
        #expect(error?.code == .targetChanged)
        world.pass(.zero)
        #expect(world.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        world.script.identity = own
        world.pass(.seconds(3))
        #expect(world.script.limits[.openFiles] == world.script.before)
    }

    @Test("A connection takes its leases with it, and no other's")
    func connections() throws {
        var world = LeaseWorld()
        _ = try world.lend(raise, .connection, session: 1)
        let other = NumericEdit(.openFiles, soft: 5000, mode: .atLeast)
        let kept = try world.lend(other, .connection, session: 2)
        world.handler.disconnected(1)
        world.pass(.zero)
        #expect(world.script.limits[.openFiles].hard == 4096)
        #expect(try world.release(kept.id).count == 1)
        #expect(world.script.limits[.openFiles] == world.script.before)
    }
}
