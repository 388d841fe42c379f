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
}
