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

    @Test("The user owns a lease by duration, and the process owns a lease by connection")
    func owners() throws {
        var fixture = LeaseFixture(policy: .onlyItself)
        for (term, isShared) in [(LeaseTerm.duration(.seconds(60)), true), (.connection, false)] {
            let lease = try fixture.grantLease(raise, term)
            for (peer, mayRelease) in [(stranger, false), (contained, false), (other, isShared)] {
                let requester = fixture.requester(peer, session: 9)
                if mayRelease {
                    _ = try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(50))), as: requester)
                } else {
                    let error = #expect(throws: RlimitError.self) { try fixture.release(lease.id, as: requester) }
                    #expect(error?.code == .leaseEnded)
                }
            }
            // The same process over another connection.
            _ = try fixture.release(lease.id, as: fixture.requester(session: 8))
        }
    }

    @Test("A caller that may change the limits may end another caller's lease of them")
    func administrators() throws {
        let operators = AllowRule(
            name: "operators", caller: CallerPattern(CallerKeys(users: IDSet(2000))), target: TargetPattern(.any),
            ceilings: Ceilings([.openFiles: 100]))
        var fixture = LeaseFixture(policy: Policy(allows: LeaseFixture.policy.allows + [operators]))
        let lease = try fixture.grantLease(raise, .connection)
        #expect(
            try fixture.release(lease.id, as: fixture.requester(stranger, session: 7)).map(\.outcome) == [.restored])
        let core = try fixture.grantLease(NumericEdit(.coreFileSize, soft: 5000, hard: 5000), .connection)
        #expect(throws: RlimitError.self) { try fixture.release(core.id, as: fixture.requester(stranger, session: 7)) }
    }

    @Test("lease_list shows the caller's own leases, and all leases where a rule allows it")
    func lists() throws {
        let watcher = AllowRule(
            name: "watchers", caller: CallerPattern(CallerKeys(users: IDSet(2000))), operations: .leaseList)
        var fixture = LeaseFixture(policy: Policy(allows: LeaseFixture.policy.allows + [watcher]))
        let lease = try fixture.grantLease(raise, .duration(.seconds(60)))
        func listed(_ peer: Peer) throws -> [LeaseInfo.ID] {
            let requester = fixture.requester(peer, session: 5)
            guard case .leases(let leases) = try fixture.handler.listLeases(Request(id: 1, .leaseList), for: requester)
            else {
                return []
            }
            return leases.map(\.id)
        }
        #expect(try listed(fixture.peer) == [lease.id])
        #expect(try listed(other) == [lease.id])
        #expect(try listed(contained).isEmpty)
        #expect(try listed(stranger) == [lease.id])
        #expect(try listed(Peer(pid: 500, uid: 3000, gid: 3000)).isEmpty)
    }

    @Test("The rule as it is now bounds each renewal")
    func renewals() throws {
        var fixture = LeaseFixture()
        let lease = try fixture.grantLease(NumericEdit(.openFiles, soft: 30000, hard: 30000), .duration(.seconds(60)))
        let long = #expect(throws: RlimitError.self) {
            try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(3601))))
        }
        #expect(long?.code == .deniedByPolicy && long?.rule == "leased")
        #expect(long?.message == "rule \"leased\" lets a lease be renewed for at most 3600 s")
        guard case .lease(let renewed) = try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(3600)))) else {
            throw Unexpected()
        }
        #expect(renewed.id == lease.id && renewed.remaining == .seconds(3600))
        fixture.pass(.seconds(3590))
        #expect(fixture.script.limits[.openFiles] == Limit(30000))
        fixture.handler.adopt(Policy())
        let gone = #expect(throws: RlimitError.self) { try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(60)))) }
        #expect(gone?.code == .deniedByPolicy)
        fixture.pass(.seconds(11))
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("A lease by connection also ends after the rule's maximum duration, unless it is renewed")
    func connectionWithMost() throws {
        var fixture = LeaseFixture()
        let lease = try fixture.grantLease(NumericEdit(.openFiles, soft: 30000, hard: 30000), .connection)
        #expect(lease.remaining == .seconds(3600))
        fixture.pass(.seconds(3000))
        _ = try fixture.ask(.leaseRenew(lease.id, .connection))
        fixture.pass(.seconds(3000))
        #expect(fixture.script.limits[.openFiles] == Limit(30000))
        fixture.pass(.seconds(601))
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("A lease of a limit that another lease raised holds no more than its own rule allows")
    func lentByOthers() throws {
        let low = AllowRule(
            name: "low", caller: CallerPattern(CallerKeys(users: IDSet(1000))), ceilings: Ceilings([.openFiles: 6000]))
        var fixture = LeaseFixture()
        let high = try fixture.grantLease(raise, .duration(.seconds(60)))
        fixture.handler.adopt(Policy(allows: [low]))
        let error = #expect(throws: RlimitError.self) { try fixture.grantLease(raise, .duration(.seconds(60))) }
        #expect(error?.code == .deniedByPolicy && error?.allowed == Limit(6000))
        let own = try fixture.grantLease(
            NumericEdit(.openFiles, soft: 6000, hard: 6000, mode: .atLeast), .duration(.seconds(60)))
        _ = try fixture.release(high.id)
        #expect(fixture.script.limits[.openFiles] == Limit(6000))
        _ = try fixture.release(own.id)
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("An explanation contains the error that the lease would get")
    func explained() throws {
        func refusal(_ edit: NumericEdit, _ fixture: inout LeaseFixture) throws -> RlimitError? {
            let request = Request(id: 1, isExplain: true, .set(.caller, EditBatch([edit]), lease: .connection))
            let reply = try fixture.handler.handle(
                request, from: fixture.peer, on: ScriptedProcess(script: fixture.script), isPeer: true,
                requester: fixture.requester())
            guard case .explanation(let explanation) = reply else { throw Unexpected() }
            return explanation.refusal
        }
        var policy = LeaseFixture.policy
        policy.quota.leases = 1
        var fixture = LeaseFixture(policy: policy)
        #expect(try refusal(raise, &fixture) == nil)
        #expect(try refusal(NumericEdit(.cpuTime, soft: 5000, hard: 5000), &fixture)?.code == .unsupported)
        #expect(try refusal(NumericEdit(.openFiles, soft: 500), &fixture)?.code == .invalidArgument)
        _ = try fixture.grantLease(raise, .connection)
        #expect(try refusal(raise, &fixture)?.code == .quotaExceeded)
    }
}

extension Policy {
    /// uid 1000 may get leases for the process that asks.
    fileprivate static var onlyItself: Policy {
        Policy(
            allows: [
                AllowRule(
                    name: "itself", caller: CallerPattern(CallerKeys(users: IDSet(1000))),
                    target: TargetPattern(.itself), ceilings: Ceilings([.openFiles: 65536]))
            ])
    }
}
