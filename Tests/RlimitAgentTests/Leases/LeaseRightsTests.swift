import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("Who may do what with a lease")
struct LeaseRightsTests {
    private let raise = NumericEdit(.openFiles, soft: 8000, hard: 9000, mode: .atLeast)
    private let other = Peer(pid: 200, uid: 1000, gid: 1000)
    private let stranger = Peer(pid: 300, uid: 2000, gid: 2000)
    private let contained = Peer(pid: 400, uid: 1000, gid: 1000, namespaceDepth: 2, cgroup: "/a")

    @Test("A lease by time is the user's, and a lease of a connection the process's")
    func owners() throws {
        var world = LeaseWorld(policy: .onlyItself)
        for (term, isShared) in [(LeaseTerm.duration(.seconds(60)), true), (.connection, false)] {
            let lease = try world.lend(raise, term)
            for (peer, mayRelease) in [(stranger, false), (contained, false), (other, isShared)] {
                let asker = world.asker(peer, session: 9)
                if mayRelease {
                    _ = try world.ask(.leaseRenew(lease.id, .duration(.seconds(50))), as: asker)
                } else {
                    let error = #expect(throws: RlimitError.self) { try world.release(lease.id, as: asker) }
                    #expect(error?.code == .leaseEnded)
                }
            }
            // The same process on another connection.
            _ = try world.release(lease.id, as: world.asker(session: 8))
        }
    }

    @Test("Whoever may change the limits may end another's lease of them")
    func administrators() throws {
        let operators = AllowRule(
            name: "operators", caller: CallerPattern(CallerKeys(users: IDSet(2000))), target: TargetPattern(.any),
            ceilings: Ceilings([.openFiles: 100]))
        var world = LeaseWorld(policy: Policy(allows: LeaseWorld.policy.allows + [operators]))
        let lease = try world.lend(raise, .connection)
        #expect(try world.release(lease.id, as: world.asker(stranger, session: 7)).map(\.outcome) == [.restored])
        let core = try world.lend(NumericEdit(.coreFileSize, soft: 5000, hard: 5000), .connection)
        #expect(throws: RlimitError.self) { try world.release(core.id, as: world.asker(stranger, session: 7)) }
    }

    @Test("lease_list is of one's own, and of everyone's by a rule that says so")
    func lists() throws {
        let watcher = AllowRule(
            name: "watchers", caller: CallerPattern(CallerKeys(users: IDSet(2000))), operations: .leaseList)
        var world = LeaseWorld(policy: Policy(allows: LeaseWorld.policy.allows + [watcher]))
        let lease = try world.lend(raise, .duration(.seconds(60)))
        func listed(_ peer: Peer) throws -> [LeaseInfo.ID] {
            let asker = world.asker(peer, session: 5)
            guard case .leases(let leases) = try world.handler.leases(Request(id: 1, .leaseList), for: asker) else {
                return []
            }
            return leases.map(\.id)
        }
        #expect(try listed(world.peer) == [lease.id])
        #expect(try listed(other) == [lease.id])
        #expect(try listed(contained).isEmpty)
        #expect(try listed(stranger) == [lease.id])
        #expect(try listed(Peer(pid: 500, uid: 3000, gid: 3000)).isEmpty)
    }

    @Test("The rule bounds each renewal, and none is longer than what it says now")
    func renewals() throws {
        var world = LeaseWorld()
        let lease = try world.lend(NumericEdit(.openFiles, soft: 30000, hard: 30000), .duration(.seconds(60)))
        let long = #expect(throws: RlimitError.self) { try world.ask(.leaseRenew(lease.id, .duration(.seconds(3601)))) }
        #expect(long?.code == .deniedByPolicy && long?.rule == "lent")
        #expect(long?.message == "rule \"lent\" lets a lease be renewed for at most 3600 s")
        guard case .lease(let renewed) = try world.ask(.leaseRenew(lease.id, .duration(.seconds(3600)))) else {
            throw Unexpected()
        }
        #expect(renewed.id == lease.id && renewed.remaining == .seconds(3600))
        world.pass(.seconds(3590))
        #expect(world.script.limits[.openFiles] == Limit(30000))
        world.handler.adopt(Policy())
        let gone = #expect(throws: RlimitError.self) { try world.ask(.leaseRenew(lease.id, .duration(.seconds(60)))) }
        #expect(gone?.code == .deniedByPolicy)
        world.pass(.seconds(11))
        #expect(world.script.limits[.openFiles] == world.script.before)
    }

    @Test("A lease of a connection also ends after the time that the rule gives, unless it is renewed")
    func connectionWithMost() throws {
        var world = LeaseWorld()
        let lease = try world.lend(NumericEdit(.openFiles, soft: 30000, hard: 30000), .connection)
        #expect(lease.remaining == .seconds(3600))
        world.pass(.seconds(3000))
        _ = try world.ask(.leaseRenew(lease.id, .connection))
        world.pass(.seconds(3000))
        #expect(world.script.limits[.openFiles] == Limit(30000))
        world.pass(.seconds(601))
        #expect(world.script.limits[.openFiles] == world.script.before)
    }

    @Test("A lease of a limit that another has raised holds no more than its own rule gives")
    func lentByOthers() throws {
        let low = AllowRule(
            name: "low", caller: CallerPattern(CallerKeys(users: IDSet(1000))), ceilings: Ceilings([.openFiles: 6000]))
        var world = LeaseWorld()
        let high = try world.lend(raise, .duration(.seconds(60)))
        world.handler.adopt(Policy(allows: [low]))
        let error = #expect(throws: RlimitError.self) { try world.lend(raise, .duration(.seconds(60))) }
        #expect(error?.code == .deniedByPolicy && error?.allowed == Limit(6000))
        let own = try world.lend(
            NumericEdit(.openFiles, soft: 6000, hard: 6000, mode: .atLeast), .duration(.seconds(60)))
        _ = try world.release(high.id)
        #expect(world.script.limits[.openFiles] == Limit(6000))
        _ = try world.release(own.id)
        #expect(world.script.limits[.openFiles] == world.script.before)
    }

    @Test("An explanation says what the lease would be answered")
    func explained() throws {
        func refusal(_ edit: NumericEdit, _ world: inout LeaseWorld) throws -> RlimitError? {
            let request = Request(id: 1, isQuestion: true, .set(.caller, EditBatch([edit]), lease: .connection))
            let reply = try world.handler.handle(
                request, from: world.peer, on: ScriptedProcess(script: world.script), isPeer: true,
                asker: world.asker())
            guard case .explanation(let explanation) = reply else { throw Unexpected() }
            return explanation.refusal
        }
        var policy = LeaseWorld.policy
        policy.quota.leases = 1
        var world = LeaseWorld(policy: policy)
        #expect(try refusal(raise, &world) == nil)
        #expect(try refusal(NumericEdit(.cpuTime, soft: 5000, hard: 5000), &world)?.code == .unsupported)
        #expect(try refusal(NumericEdit(.openFiles, soft: 500), &world)?.code == .invalidArgument)
        _ = try world.lend(raise, .connection)
        #expect(try refusal(raise, &world)?.code == .quotaExceeded)
    }
}

extension Policy {
    /// uid 1000 may lend to the very process that asks.
    fileprivate static var onlyItself: Policy {
        Policy(
            allows: [
                AllowRule(
                    name: "itself", caller: CallerPattern(CallerKeys(users: IDSet(1000))),
                    target: TargetPattern(.itself), ceilings: Ceilings([.openFiles: 65536]))
            ])
    }
}
