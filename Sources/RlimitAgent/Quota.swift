import RlimitModel

/// Whose quota a connection counts against. Callers in other PID namespaces are counted by container: root in one of
/// them takes any uid it likes.
struct Tenant: Hashable {
    private let uid: UInt32?
    private let container: String?

    init(_ peer: Peer) {
        if !peer.sharesNamespace, let cgroup = peer.cgroup {
            uid = nil
            container = cgroup
        } else {
            uid = peer.uid
            container = nil
        }
    }
}

/// What one tenant takes of the agent now. Connections of the tenant share it.
final class Account {
    fileprivate let tenant: Tenant
    fileprivate(set) var connections = 0
    private var bucket: TokenBucket

    fileprivate init(_ tenant: Tenant, ratePerSecond: Int, now: ContinuousClock.Instant) {
        self.tenant = tenant
        bucket = TokenBucket(ratePerSecond: ratePerSecond, now: now)
    }

    /// nil: one more request is within the rate. Otherwise how long to wait.
    func admitRequest(ratePerSecond: Int, now: ContinuousClock.Instant) -> Duration? {
        bucket.take(ratePerSecond: ratePerSecond, now: now)
    }
}

/// A second's worth of requests at once, then as many as trickle in.
struct TokenBucket {
    private var tokens: Double
    private var last: ContinuousClock.Instant

    init(ratePerSecond: Int, now: ContinuousClock.Instant) {
        tokens = Double(ratePerSecond)
        last = now
    }

    mutating func take(ratePerSecond: Int, now: ContinuousClock.Instant) -> Duration? {
        let rate = Double(ratePerSecond)
        if now > last {
            tokens = min(rate, tokens + (now - last) / .seconds(1) * rate)
            last = now
        }
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return .seconds((1 - tokens) / rate)
    }
}

/// The accounts of everyone who is connected, or was a second ago: whoever reconnects finds its bucket as it left it.
struct Tenants {
    private var accounts: [Tenant: Account] = [:]
    private var departed: [(account: Account, at: ContinuousClock.Instant)] = []

    /// An account with one connection more, or nil where the tenant has as many as it may.
    mutating func admit(_ peer: Peer, limit: Int, ratePerSecond: Int, now: ContinuousClock.Instant) -> Account? {
        forgetDeparted(before: now - .seconds(1))
        let tenant = Tenant(peer)
        let account = accounts[tenant] ?? Account(tenant, ratePerSecond: ratePerSecond, now: now)
        guard account.connections < limit else { return nil }
        account.connections += 1
        accounts[tenant] = account
        return account
    }

    mutating func release(_ account: Account, now: ContinuousClock.Instant) {
        account.connections -= 1
        if account.connections == 0 { departed.append((account, now)) }
    }

    // By then the bucket is full again, so nothing is lost with it.
    private mutating func forgetDeparted(before moment: ContinuousClock.Instant) {
        let old = departed.prefix { $0.at < moment }
        for (account, _) in old where account.connections == 0 { accounts[account.tenant] = nil }
        departed.removeFirst(old.count)
    }
}
