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

    @Test("a second's worth at once, then as many as trickle in, and the wait is told")
    func bucket() {
        var bucket = TokenBucket(ratePerSecond: 10, now: start)
        for _ in 0..<10 { #expect(bucket.takeToken(ratePerSecond: 10, now: start) == nil) }
        #expect(bucket.takeToken(ratePerSecond: 10, now: start) == .milliseconds(100))
        #expect(bucket.takeToken(ratePerSecond: 10, now: start + .milliseconds(101)) == nil)
        #expect(bucket.takeToken(ratePerSecond: 10, now: start + .milliseconds(102)) != nil)
        for _ in 0..<10 { #expect(bucket.takeToken(ratePerSecond: 10, now: start + .seconds(60)) == nil) }
        #expect(bucket.takeToken(ratePerSecond: 10, now: start + .seconds(60)) != nil)
    }

    @Test("a clock that goes back gives nothing and takes nothing")
    func clockGoesBack() {
        var bucket = TokenBucket(ratePerSecond: 1, now: start)
        #expect(bucket.takeToken(ratePerSecond: 1, now: start) == nil)
        #expect(
            bucket.takeToken(ratePerSecond: 1, now: BootInstant(nanoseconds: start.nanoseconds - 5_000_000_000)) != nil)
    }

    @Test("a tenant that had its time of a turn waits for the next, however long its last request took")
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

    @Test("whoever reconnects finds its bucket as it left it")
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

    @Test("the uids of a container share one account, and none with the same uid outside")
    func containers() {
        var tenants = TenantTable()
        let inside = { (uid: UInt32) in Peer(pid: 9, uid: uid, gid: uid, namespaceDepth: 2, cgroup: "/pod1") }
        #expect(admits(inside(0), to: &tenants) == true)
        #expect(admits(inside(1000), to: &tenants) == false)
        #expect(admits(Peer(pid: 10, uid: 1000, gid: 1000), to: &tenants) == true)
    }

    @Test("whoever comes and goes for ever has one account and one bucket all the while")
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

    @Test("whoever came and went often before it stayed has no more connections than others")
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

    @Test("a user's own cgroups are one tenant, however many there are")
    func cgroupsOfAUser() {
        var tenants = TenantTable()
        let inside = { (path: String) in
            Peer(pid: 9, uid: 1000, gid: 1000, namespaceDepth: 2, cgroup: "/user.slice/user-1000.slice/" + path)
        }
        #expect(admits(inside("user@1000.service/a"), to: &tenants) == true)
        #expect(admits(inside("user@1000.service/b"), to: &tenants) == false)
        #expect(admits(inside("session-4.scope"), to: &tenants) == false)
    }

    @Test("however many cgroups root in a container makes below its own, and whatever uid it takes, it is one tenant")
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
        "where the kernel vouches for no process, callers in containers take nothing of the host's users and are bounded"
    )
    func unknownContainer() {
        var tenants = TenantTable()
        let inside = { (uid: UInt32) in
            Peer(pid: 9, uid: uid, gid: uid, isPinned: false, namespaceDepth: 2, cgroup: nil)
        }
        let outside = Peer(pid: 9, uid: 1, gid: 1, isPinned: false, namespaceDepth: 1)
        #expect(Tenant(inside(1), .baselineOnly) == .unknownContainer(1) && Tenant(outside, .baselineOnly) == .user(1))
        // Even a path that could be read may be another process's by now.
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
        // Whose PID namespace is not known counts as elsewhere.
        #expect(
            Tenant(Peer(pid: nil, uid: 7, gid: 7, isPinned: true, namespaceDepth: nil), .baselineOnly)
                == .unknownContainer(7))
    }

    @Test("one connection in sixteen is left for those who look after the agent")
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

    @Test("a tenant with more uids than the agent has connections leaves some")
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

@Suite("Lists of groups")
struct GroupListsTests {
    private func groups(_ count: Int, from first: UInt32 = 0) -> [UInt32] { (0..<UInt32(count)).map { $0 + first } }

    @Test("equal lists are kept once, and long ones that differ are bounded for each tenant")
    func oneTenant() {
        var lists = SharedGroupLists()
        var budget = GroupBudget()
        for _ in 0..<64 { #expect(lists.intern(groups(65536), within: &budget) != nil) }
        #expect(budget.entries == 65536)
        #expect(lists.intern(groups(65536, from: 1), within: &budget) == nil)
        #expect(lists.intern(groups(65, from: 1), within: &budget) == nil)
        #expect(lists.intern(groups(64, from: 1), within: &budget) == groups(64, from: 1))
        for _ in 0..<63 { lists.release(groups(65536), to: &budget) }
        #expect(lists.intern(groups(65536, from: 1), within: &budget) == nil)
        lists.release(groups(65536), to: &budget)
        #expect(budget.entries == 0)
        #expect(lists.intern(groups(65536, from: 1), within: &budget) != nil)
        lists.release(groups(64, from: 1), to: &budget)
        #expect(budget.entries == 65536)
    }

    @Test("equal lists share their memory")
    func shared() throws {
        var lists = SharedGroupLists()
        var budget = GroupBudget()
        let first = try #require(lists.intern(groups(1000), within: &budget))
        let second = try #require(lists.intern(groups(1000), within: &budget))
        let addresses = [first, second].map { $0.withUnsafeBufferPointer { $0.baseAddress } }
        #expect(addresses[0] == addresses[1])
    }

    @Test("and bounded for all tenants together")
    func allTenants() {
        var budget = GroupBudget()
        var admitted = 0
        for number in 0..<1000 as Range<UInt32> {
            var lists = SharedGroupLists()
            if lists.intern(groups(65536, from: number), within: &budget) != nil { admitted += 1 }
        }
        #expect(admitted == 64 && budget.entries <= GroupBudget.maxEntries)
    }
}
