import RlimitModel
import Testing

@testable import RlimitAgent

@Suite("Quotas")
struct QuotaTests {
    private let start = ContinuousClock.now

    private func admits(_ peer: Peer, to tenants: inout Tenants) -> Bool {
        tenants.admit(peer, limit: 1, ratePerSecond: 1, now: start) != nil
    }

    @Test("a second's worth at once, then as many as trickle in, and the wait is told")
    func bucket() {
        var bucket = TokenBucket(ratePerSecond: 10, now: start)
        for _ in 0..<10 { #expect(bucket.take(ratePerSecond: 10, now: start) == nil) }
        #expect(bucket.take(ratePerSecond: 10, now: start) == .milliseconds(100))
        #expect(bucket.take(ratePerSecond: 10, now: start + .milliseconds(101)) == nil)
        #expect(bucket.take(ratePerSecond: 10, now: start + .milliseconds(102)) != nil)
        for _ in 0..<10 { #expect(bucket.take(ratePerSecond: 10, now: start + .seconds(60)) == nil) }
        #expect(bucket.take(ratePerSecond: 10, now: start + .seconds(60)) != nil)
    }

    @Test("a clock that goes back gives nothing and takes nothing")
    func clockGoesBack() {
        var bucket = TokenBucket(ratePerSecond: 1, now: start)
        #expect(bucket.take(ratePerSecond: 1, now: start) == nil)
        #expect(bucket.take(ratePerSecond: 1, now: start - .seconds(5)) != nil)
    }

    @Test("whoever reconnects finds its bucket as it left it")
    func reconnecting() throws {
        var tenants = Tenants()
        let peer = Peer(pid: 7, uid: 1000, gid: 1000)
        let admitted = tenants.admit(peer, limit: 1, ratePerSecond: 1, now: start)
        let first = try #require(admitted)
        #expect(first.admitRequest(ratePerSecond: 1, now: start) == nil)
        #expect(admits(peer, to: &tenants) == false)
        tenants.release(first, now: start)
        let readmitted = tenants.admit(peer, limit: 1, ratePerSecond: 1, now: start)
        let second = try #require(readmitted)
        #expect(second.admitRequest(ratePerSecond: 1, now: start) != nil)
    }

    @Test("the uids of a container share one account, and none with the same uid outside")
    func containers() {
        var tenants = Tenants()
        let inside = { (uid: UInt32) in Peer(pid: 9, uid: uid, gid: uid, namespaceDepth: 2, cgroup: "/pod1") }
        #expect(admits(inside(0), to: &tenants) == true)
        #expect(admits(inside(1000), to: &tenants) == false)
        #expect(admits(Peer(pid: 10, uid: 1000, gid: 1000), to: &tenants) == true)
    }

    @Test("whoever comes and goes for ever has one account and one bucket all the while")
    func comingAndGoing() throws {
        var tenants = Tenants()
        let peer = Peer(pid: 7, uid: 1000, gid: 1000)
        var granted = 0
        for step in 0..<5000 {
            let now = start + .milliseconds(step)
            let admitted = tenants.admit(peer, limit: 1, ratePerSecond: 10, now: now)
            let account = try #require(admitted)
            if account.admitRequest(ratePerSecond: 10, now: now) == nil { granted += 1 }
            tenants.release(account, now: now)
        }
        #expect(granted <= 61, "ten at once, and ten for each of five seconds")
    }

    @Test("whoever came and went often before it stayed has no more connections than others")
    func stayingAfterComingAndGoing() throws {
        var tenants = Tenants()
        let peer = Peer(pid: 7, uid: 1000, gid: 1000)
        for step in 0..<100 {
            let now = start + .milliseconds(step * 20)
            let admitted = tenants.admit(peer, limit: 1, ratePerSecond: 10, now: now)
            tenants.release(try #require(admitted), now: now)
        }
        var held = 0
        for step in 0..<300 {
            let now = start + .milliseconds(2000 + step * 20)
            if tenants.admit(peer, limit: 2, ratePerSecond: 10, now: now) != nil { held += 1 }
        }
        #expect(held == 2)
    }

    @Test("a user's own cgroups are one tenant, however many there are")
    func cgroupsOfAUser() {
        var tenants = Tenants()
        let inside = { (path: String) in
            Peer(pid: 9, uid: 1000, gid: 1000, namespaceDepth: 2, cgroup: "/user.slice/user-1000.slice/" + path)
        }
        #expect(admits(inside("user@1000.service/a"), to: &tenants) == true)
        #expect(admits(inside("user@1000.service/b"), to: &tenants) == false)
        #expect(admits(inside("session-4.scope"), to: &tenants) == false)
    }
}
