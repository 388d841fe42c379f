import RlimitModel

/// Whose quota a connection counts against. Callers in other PID namespaces are counted by container: root in one of
/// them takes any uid it likes.
struct Tenant: Hashable {
    private let uid: UInt32?
    private let container: String?

    init(_ peer: Peer) {
        if !peer.sharesNamespace, let cgroup = peer.cgroup {
            uid = nil
            container = Tenant.slice(ofUser: cgroup) ?? cgroup
        } else {
            uid = peer.uid
            container = nil
        }
    }

    // Users make cgroups of their own below their slice, as many as they like, so all of them count as one: in
    // /user.slice/user-1000.slice/... the first two components.
    private static func slice(ofUser path: String) -> String? {
        let components = path.split(separator: "/", maxSplits: 2)
        guard components.count > 1, components[0] == "user.slice" else { return nil }
        return "/user.slice/\(components[1])"
    }
}

/// What one tenant takes of the agent now. Connections of the tenant share it.
final class Account {
    fileprivate let tenant: Tenant
    fileprivate(set) var connections = 0
    /// Requests under way that take longer than a turn.
    var errands = 0
    static let greatestErrands = 4
    /// When the last connection ended; nil where it is not among the departed.
    fileprivate var departedAt: ContinuousClock.Instant?
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
    // Accounts that were left without a connection, each once, in the order in which they are looked at again.
    private var departed: [(account: Account, lookAgainAt: ContinuousClock.Instant)] = []

    /// How long an account is kept after its last connection: by then the bucket is full again, so nothing is lost with it.
    private static let memory: Duration = .seconds(1)

    /// An account with one connection more, or nil where the tenant has as many as it may.
    mutating func admit(_ peer: Peer, limit: Int, ratePerSecond: Int, now: ContinuousClock.Instant) -> Account? {
        forgetDeparted(now: now)
        let tenant = Tenant(peer)
        let account = accounts[tenant] ?? Account(tenant, ratePerSecond: ratePerSecond, now: now)
        guard account.connections < limit else { return nil }
        account.connections += 1
        accounts[tenant] = account
        return account
    }

    mutating func release(_ account: Account, now: ContinuousClock.Instant) {
        account.connections -= 1
        guard account.connections == 0 else { return }
        // One that comes and goes is in the queue already, and is looked at there by when it went last.
        if account.departedAt == nil { departed.append((account, now + Self.memory)) }
        account.departedAt = now
    }

    private mutating func forgetDeparted(now: ContinuousClock.Instant) {
        let due = departed.prefix { $0.lookAgainAt <= now }
        guard !due.isEmpty else { return }
        departed.removeFirst(due.count)
        for (account, _) in due {
            guard account.connections == 0, let since = account.departedAt else {
                account.departedAt = nil
                continue
            }
            if now - since >= Self.memory {
                accounts[account.tenant] = nil
            } else {
                departed.append((account, now + Self.memory))
            }
        }
    }
}
