import PolicySamples
import RlimitKernel
import RlimitModel
import RlimitPolicy
import SeededRandom
import Testing

@testable import RlimitAgent

@Suite("Attacks by leases")
struct LeaseAttackTests {
    private let raise = NumericEdit(.openFiles, soft: 8000, hard: 9000, mode: .atLeast)

    private func rule(_ ceilings: [Resource: Limit.Bound], users: IDSet = IDSet(1000)) -> AllowRule {
        AllowRule(name: "leased", caller: CallerPattern(CallerKeys(users: users)), ceilings: Ceilings(ceilings))
    }

    @Test("A lease is not renewed past what its rule allows now")
    func renewalOfLowered() throws {
        var fixture = LeaseFixture()
        let lease = try fixture.grantLease(raise, .duration(.seconds(60)))
        func refusal(_ policy: Policy) -> RlimitError? {
            fixture.handler.adopt(policy)
            return #expect(throws: RlimitError.self, "\(policy)") {
                try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(60))))
            }
        }
        let lowered = refusal(Policy(allows: [rule([.openFiles: 6000])]))
        #expect(lowered?.code == .deniedByPolicy && lowered?.allowed == Limit(6000) && lowered?.rule == "leased")
        #expect(refusal(Policy(allows: [rule([.coreFileSize: 6000])]))?.code == .deniedByPolicy)
        #expect(refusal(Policy(allows: [rule([.openFiles: 65536], users: IDSet(1001))]))?.code == .deniedByPolicy)
        for ceiling in [Limit.Bound(8999), nil] {
            let deny = DenyRule(
                name: "no more", caller: .everyone,
                resources: ceiling == nil ? ResourceSet(only: .openFiles) : .none,
                above: ceiling.map { Ceilings([.openFiles: $0]) } ?? Ceilings())
            let denied = refusal(Policy(allows: [rule([.openFiles: 65536])], denies: [deny]))
            #expect(denied?.code == .deniedByPolicy && denied?.rule == "no more")
        }
        fixture.handler.adopt(Policy(allows: [rule([.openFiles: 9000])]))
        _ = try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(60))))
        fixture.pass(.seconds(61))
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }

    @Test("A lease that holds no more than the limit without leases is renewed whatever the rule allows")
    func renewalOfLess() throws {
        var fixture = LeaseFixture()
        let lease = try fixture.grantLease(
            NumericEdit(.openFiles, soft: 3000, hard: 4000, mode: .atLeast), .duration(.seconds(60)))
        fixture.handler.adopt(Policy(allows: [rule([.openFiles: 100])]))
        _ = try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(60))))
    }

    @Test("A grant that meets another program leaves other leases of the limits that it did not reach")
    func strayBatch() throws {
        var fixture = LeaseFixture()
        let own = fixture.script.identity
        let lease = try fixture.grantLease(raise, .duration(.seconds(60)))
        fixture.script.afterExchange[2] = { $0.becomeRoot() }
        fixture.script.refusals[.openFiles] = RlimitError(.deniedByKernel)
        let core = NumericEdit(.coreFileSize, soft: 5000, hard: 5000, mode: .atLeast)
        let more = NumericEdit(.openFiles, soft: 12000, hard: 12000, mode: .atLeast)
        let error = #expect(throws: RlimitError.self) { try fixture.set([core, more], .duration(.seconds(10))) }
        #expect(error?.code == .targetChanged)
        fixture.script.refusals = [:]
        fixture.script.identity = own
        fixture.pass(.seconds(3))
        #expect(fixture.script.limits[.coreFileSize] == fixture.script.before)
        #expect(fixture.script.limits[.openFiles] == Limit(soft: 8000, hard: 9000))
        #expect(try fixture.release(lease.id).map(\.outcome) == [.restored])
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
        #expect(fixture.handler.leases.table.isEmpty)
    }

    @Test("A caller lists its own leases and no others, whatever its connections did", arguments: 1...20)
    func owned(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var fixture = LeaseFixture()
        let edit = NumericEdit(.openFiles, soft: 2000, mode: .atLeast)
        let peers = [
            fixture.peer, Peer(pid: 200, uid: 1000, gid: 1000), Peer(pid: 300, uid: 2000, gid: 2000),
            Peer(pid: 400, uid: 1000, gid: 1000, namespaceDepth: 2, cgroup: "/a"),
        ]
        var live: [LeaseInfo.ID] = []
        for _ in 0..<200 {
            let session = UInt64.random(in: 1...4, using: &random)
            let term = Bool.random(using: &random) ? LeaseTerm.connection : .duration(.seconds(3000))
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4 where live.count < 50: live.append(try fixture.grantLease(edit, term, session: session).id)
            case 4:
                fixture.handler.leases.disconnected(session)
                fixture.pass(.zero)
            case 5:
                guard let id = live.randomElement(using: &random), let peer = peers.randomElement(using: &random) else {
                    continue
                }
                _ = try? fixture.ask(.leaseRenew(id, term), as: fixture.requester(peer, session: session))
            case 6: if let id = live.randomElement(using: &random) { _ = try? fixture.release(id) }
            default: break
            }
            live.removeAll { fixture.handler.leases.table[$0] == nil }
            for peer in peers {
                let requester = fixture.requester(peer, session: session)
                let expected = fixture.handler.leases.table.live.filter(requester.owns).map(\.id)
                #expect(fixture.handler.leases.table.live(of: requester).map(\.id) == expected)
            }
        }
        #expect(Set(fixture.handler.leases.table.live.map(\.id)) == Set(live))
    }

    @Test("The expiry queue returns ends in order")
    func ends() {
        var random = SeededGenerator(seed: 7)
        var ends = ExpiryQueue()
        for count in [0, 1, 2, 3, 10, 1000] {
            let moments = (0..<count).map { _ in BootInstant(nanoseconds: UInt64.random(in: 0..<500, using: &random)) }
            ends.rebuild(moments.map { ExpiryQueue.Entry(moment: $0, id: .init(bytes: [1])) })
            var order: [BootInstant] = []
            while let next = ends.next {
                order.append(next.moment)
                ends.removeNext()
            }
            #expect(order == moments.sorted())
        }
    }
}
