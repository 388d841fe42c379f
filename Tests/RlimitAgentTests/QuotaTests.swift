import RlimitModel
import Testing

@testable import RlimitAgent

@Suite("Quotas")
struct QuotaTests {
    private let start = ContinuousClock.now

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
        let first = try #require(tenants.admit(peer, limit: 1, ratePerSecond: 1, now: start))
        #expect(first.admitRequest(ratePerSecond: 1, now: start) == nil)
        #expect(tenants.admit(peer, limit: 1, ratePerSecond: 1, now: start) == nil)
        tenants.release(first, now: start)
        let second = try #require(tenants.admit(peer, limit: 1, ratePerSecond: 1, now: start))
        #expect(second.admitRequest(ratePerSecond: 1, now: start) != nil)
    }

    @Test("the uids of a container share one account, and none with the same uid outside")
    func containers() throws {
        var tenants = Tenants()
        let inside = { (uid: UInt32) in Peer(pid: 9, uid: uid, gid: uid, namespaceDepth: 2, cgroup: "/pod1") }
        #expect(tenants.admit(inside(0), limit: 1, ratePerSecond: 1, now: start) != nil)
        #expect(tenants.admit(inside(1000), limit: 1, ratePerSecond: 1, now: start) == nil)
        #expect(tenants.admit(Peer(pid: 10, uid: 1000, gid: 1000), limit: 1, ratePerSecond: 1, now: start) != nil)
    }
}
