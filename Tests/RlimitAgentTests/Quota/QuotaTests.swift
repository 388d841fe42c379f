import RlimitKernel
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitAgent

@Suite("Quotas")
struct QuotaTests {
    private let start = BootInstant.now

    private func admits(_ peer: Peer, to tenants: inout TenantTable) -> Bool {
        tenants.addConnection(Tenant(peer, .baselineOnly), limit: 1, ratePerSecond: 1, now: start) != nil
    }

    @Test("A bucket grants the requests of one second at once, then refills at the rate, and reports the wait")
    func bucket() {
        var bucket = TokenBucket(ratePerSecond: 10, now: start)
        for _ in 0..<10 { #expect(bucket.takeToken(ratePerSecond: 10, now: start) == nil) }
        #expect(bucket.takeToken(ratePerSecond: 10, now: start) == .milliseconds(100))
        #expect(bucket.takeToken(ratePerSecond: 10, now: start + .milliseconds(101)) == nil)
        #expect(bucket.takeToken(ratePerSecond: 10, now: start + .milliseconds(102)) != nil)
        for _ in 0..<10 { #expect(bucket.takeToken(ratePerSecond: 10, now: start + .seconds(60)) == nil) }
        #expect(bucket.takeToken(ratePerSecond: 10, now: start + .seconds(60)) != nil)
    }

    @Test("A clock that goes back neither adds nor removes tokens")
    func clockGoesBack() {
        var bucket = TokenBucket(ratePerSecond: 1, now: start)
        #expect(bucket.takeToken(ratePerSecond: 1, now: start) == nil)
        #expect(
            bucket.takeToken(ratePerSecond: 1, now: BootInstant(nanoseconds: start.nanoseconds - 5_000_000_000)) != nil)
    }

    @Test("A tenant that has used its time of an iteration waits for the next one, however long its last request took")
    func timeInIteration() throws {
        var tenants = TenantTable()
        let tenant = Tenant(Peer(pid: 2, uid: 1000, gid: 1000), .baselineOnly)
        let admitted = tenants.addConnection(tenant, limit: 1, ratePerSecond: 1, now: start)
        let tenantUsage = try #require(admitted)
        #expect(tenantUsage.hasTime(inIteration: 1))
        tenantUsage.charge(600_000, inIteration: 1)
        #expect(tenantUsage.hasTime(inIteration: 1))
        tenantUsage.charge(600_000, inIteration: 1)
        #expect(!tenantUsage.hasTime(inIteration: 1))
        #expect(tenantUsage.hasTime(inIteration: 2))
        tenantUsage.charge(1_000_000_000, inIteration: 2)
        #expect(!tenantUsage.hasTime(inIteration: 2))
        #expect(tenantUsage.hasTime(inIteration: 3))
    }

    @Test("Answers to rejected connections have a rate, and take none of the tenant's requests")
    func rejections() throws {
        var quota = ConnectionQuota(maxConnections: 100)
        let policy = Policy(quota: Quota(connections: 1, requestsPerSecond: 5))
        var peer = Peer(pid: 7, uid: 1000, gid: 1000)
        let tenantUsage = try quota.reserve(for: &peer, connections: 0, openSockets: 0, policy, now: start)
        func answered(_ tenants: [Tenant]) -> Int {
            tenants.count { quota.takeRejectionToken(for: $0, policy, now: start) }
        }
        #expect(answered(Array(repeating: Tenant(peer, policy), count: 20)) == 5)
        #expect(tenantUsage.takeRequestToken(ratePerSecond: 5, now: start) == nil)
        let others = (2000..<2020).map { Tenant(Peer(pid: 8, uid: $0, gid: $0), policy) }
        #expect(answered(others) == 5, "tenants without a connection share a rate")
    }

    @Test("A tenant that reconnects gets its old bucket")
    func reconnecting() throws {
        var tenants = TenantTable()
        let peer = Peer(pid: 7, uid: 1000, gid: 1000)
        let admitted = tenants.addConnection(Tenant(peer, .baselineOnly), limit: 1, ratePerSecond: 1, now: start)
        let first = try #require(admitted)
        #expect(first.takeRequestToken(ratePerSecond: 1, now: start) == nil)
        #expect(admits(peer, to: &tenants) == false)
        tenants.removeConnection(first, now: start)
        let readmitted = tenants.addConnection(Tenant(peer, .baselineOnly), limit: 1, ratePerSecond: 1, now: start)
        let second = try #require(readmitted)
        #expect(second.takeRequestToken(ratePerSecond: 1, now: start) != nil)
    }

    @Test("All uids of a container are one tenant, and the same uid outside is another")
    func containers() {
        var tenants = TenantTable()
        let inside = { (uid: UInt32) in Peer(pid: 9, uid: uid, gid: uid, namespaceDepth: 2, cgroup: "/pod1") }
        #expect(admits(inside(0), to: &tenants) == true)
        #expect(admits(inside(1000), to: &tenants) == false)
        #expect(admits(Peer(pid: 10, uid: 1000, gid: 1000), to: &tenants) == true)
    }

    @Test("A tenant that reconnects without end keeps one bucket")
    func comingAndGoing() throws {
        var tenants = TenantTable()
        let peer = Peer(pid: 7, uid: 1000, gid: 1000)
        var granted = 0
        for step in 0..<5000 {
            let now = start + .milliseconds(step)
            let admitted = tenants.addConnection(Tenant(peer, .baselineOnly), limit: 1, ratePerSecond: 10, now: now)
            let tenantUsage = try #require(admitted)
            if tenantUsage.takeRequestToken(ratePerSecond: 10, now: now) == nil { granted += 1 }
            tenants.removeConnection(tenantUsage, now: now)
        }
        #expect(granted <= 61, "ten at once, and ten for each of five seconds")
    }

    @Test("A tenant that reconnected often gets no more connections than others")
    func stayingAfterComingAndGoing() throws {
        var tenants = TenantTable()
        let peer = Peer(pid: 7, uid: 1000, gid: 1000)
        for step in 0..<100 {
            let now = start + .milliseconds(step * 20)
            let admitted = tenants.addConnection(Tenant(peer, .baselineOnly), limit: 1, ratePerSecond: 10, now: now)
            tenants.removeConnection(try #require(admitted), now: now)
        }
        var held = 0
        for step in 0..<300 {
            let now = start + .milliseconds(2000 + step * 20)
            if tenants.addConnection(Tenant(peer, .baselineOnly), limit: 2, ratePerSecond: 10, now: now) != nil {
                held += 1
            }
        }
        #expect(held == 2)
    }

    @Test("All cgroups of a user are one tenant")
    func cgroupsOfAUser() {
        var tenants = TenantTable()
        let inside = { (path: String) in
            Peer(pid: 9, uid: 1000, gid: 1000, namespaceDepth: 2, cgroup: "/user.slice/user-1000.slice/" + path)
        }
        #expect(admits(inside("user@1000.service/a"), to: &tenants) == true)
        #expect(admits(inside("user@1000.service/b"), to: &tenants) == false)
        #expect(admits(inside("session-4.scope"), to: &tenants) == false)
    }

    @Test("A container is one tenant, whatever cgroups and uids its root uses")
    func cgroupsOfAContainer() {
        for own in ["/system.slice/docker-1.scope", "/kubepods/burstable/pod1/c1", "/docker/1"] {
            var tenants = TenantTable()
            let admitted = (0..<100).filter { number in
                let peer = Peer(
                    pid: 9, uid: UInt32(number), gid: 0, namespaceDepth: 2, cgroup: "\(own)/x\(number)/pod\(number)")
                return admits(peer, to: &tenants)
            }
            #expect(admitted == [0], "\(own)")
            let other = Peer(pid: 9, uid: 0, gid: 0, namespaceDepth: 2, cgroup: own + "x")
            #expect(admits(other, to: &tenants))
        }
    }

    @Test(
        "Callers with an unknown container are bounded, and take no connections from users of the host"
    )
    func unknownContainer() {
        var tenants = TenantTable()
        let inside = { (uid: UInt32) in
            Peer(pid: 9, uid: uid, gid: uid, isPinned: false, namespaceDepth: 2, cgroup: nil)
        }
        let outside = Peer(pid: 9, uid: 1, gid: 1, isPinned: false, namespaceDepth: 1)
        #expect(Tenant(inside(1), .baselineOnly) == .unknownContainer(1) && Tenant(outside, .baselineOnly) == .user(1))
        // A path that could be read may belong to another process by now.
        var withPath = inside(1)
        withPath.cgroup = "/docker/1"
        #expect(Tenant(withPath, .baselineOnly) == .unknownContainer(1))
        var accounts: [TenantUsage] = []
        for uid in 0..<100 as Range<UInt32> {
            if let tenantUsage = tenants.addConnection(
                Tenant(inside(uid), .baselineOnly), limit: 5, unknownContainerLimit: 10, ratePerSecond: 1, now: start)
            {
                accounts.append(tenantUsage)
            }
        }
        #expect(accounts.count == 10)
        #expect(admits(outside, to: &tenants))
        tenants.removeConnection(accounts[0], now: start)
        let again = tenants.addConnection(
            Tenant(inside(500), .baselineOnly), limit: 5, unknownContainerLimit: 10, ratePerSecond: 1, now: start)
        #expect(again != nil)
        // A peer with an unknown PID namespace counts as one in another namespace.
        #expect(
            Tenant(Peer(pid: nil, uid: 7, gid: 7, isPinned: true, namespaceDepth: nil), .baselineOnly)
                == .unknownContainer(7))
    }

    @Test("One connection in sixteen is reserved for administrators")
    func reserve() {
        let limits = ConnectionLimits(all: 320)
        #expect(limits.reserve == 20 && limits.unknownContainer == 80)
        #expect(limits.availableConnections(besides: 299, administrator: false) == 1)
        #expect(limits.availableConnections(besides: 300, administrator: false) == 0)
        #expect(limits.availableConnections(besides: 310, administrator: false) == 0)
        #expect(limits.availableConnections(besides: 300, administrator: true) == 20)
        #expect(limits.availableConnections(besides: 320, administrator: true) == 0)
        #expect(ConnectionLimits(all: 1).availableConnections(besides: 0, administrator: false) == 1)
    }

    @Test("A caller with more uids than the agent has connections leaves some for others")
    func subordinateUIDs() {
        let limits = ConnectionLimits(all: 160)
        var tenants = TenantTable()
        var held = 0
        for uid in 100_000..<101_000 as Range<UInt32> {
            for _ in 0..<64 {
                let free = limits.availableConnections(besides: held, administrator: false)
                guard free > 0 else { break }
                let tenant = Tenant(Peer(pid: 9, uid: uid, gid: uid), .baselineOnly)
                guard tenants.addConnection(tenant, limit: min(64, free), ratePerSecond: 1, now: start) != nil else {
                    break
                }
                held += 1
            }
        }
        #expect(held == 150 && limits.availableConnections(besides: held, administrator: true) == 10)
    }
}
