package import RlimitKernel
import RlimitModel
import RlimitPolicy

/// Whose quota a connection counts against. Callers in other PID namespaces are counted by container: root in one of
/// them takes any uid it likes.
enum Tenant: Hashable {
    case user(UInt32)
    case container(String)
    /// In another PID namespace, and nobody knows where: before Linux 6.5 the kernel does not vouch for a peer's process. All
    /// of these together have one place among the tenants, as one container could come as all of their users.
    case unknownContainer(UInt32)

    init(_ peer: Peer, _ policy: Policy) {
        if peer.sharesNamespace {
            self = .user(peer.uid)
        } else if let cgroup = peer.cgroup, peer.isPinned {
            self = .container(policy.container(of: cgroup))
        } else {
            self = .unknownContainer(peer.uid)
        }
    }

    var isUnknownContainer: Bool {
        if case .unknownContainer = self { return true }
        return false
    }
}

/// What one tenant takes of the agent now. Connections of the tenant share it.
final class TenantUsage {
    fileprivate let tenant: Tenant
    fileprivate(set) var connections = 0
    /// Requests under way that take longer than a turn.
    var longRequests = 0
    static let maxLongRequests = 4
    /// Processes that its connections hold and could give up; one that several of them hold counts for each.
    var cachedProcesses = 0
    /// Descriptors that wait for the rest of their frames.
    var receivedDescriptors = 0
    /// When the last connection ended; nil where it is not among the departed.
    fileprivate var departedAt: BootInstant?
    private var bucket: TokenBucket
    private var iteration: UInt64 = 0
    // In nanoseconds.
    private var timeInIteration: UInt64 = 0
    /// What all connections of one tenant together may take of a turn of the loop, and then those of others come first: in
    /// nanoseconds, a millisecond.
    static let maxTimePerIteration: UInt64 = 1_000_000
    /// The groups that its connections came with, each list once.
    var groups = SharedGroupLists()

    fileprivate init(_ tenant: Tenant, ratePerSecond: Int, now: BootInstant) {
        self.tenant = tenant
        bucket = TokenBucket(ratePerSecond: ratePerSecond, now: now)
    }

    /// nil: one more request is within the rate. Otherwise how long to wait.
    func takeRequestToken(ratePerSecond: Int, now: BootInstant) -> Duration? {
        // Taken out and put back: so nobody can look at it meanwhile, and the compiler sees that.
        var bucket = self.bucket
        defer { self.bucket = bucket }
        return bucket.takeToken(ratePerSecond: ratePerSecond, now: now)
    }

    /// Whether one of its connections may still be served in this turn of the loop.
    func hasTime(inIteration iteration: UInt64) -> Bool {
        self.iteration != iteration || timeInIteration < Self.maxTimePerIteration
    }

    /// One of its connections was served for so many nanoseconds.
    func charge(_ time: UInt64, inIteration iteration: UInt64) {
        timeInIteration = self.iteration == iteration ? timeInIteration &+ time : time
        self.iteration = iteration
    }
}

/// A second's worth of requests at once, then as many as trickle in.
package struct TokenBucket {
    // In billionths of a request: with so many requests a second, each nanosecond brings as many of them.
    private var nanotokens: UInt64
    private var last: BootInstant
    private static let one: UInt64 = 1_000_000_000

    package init(ratePerSecond: Int, now: BootInstant) {
        nanotokens = UInt64(clamping: ratePerSecond) * Self.one
        last = now
    }

    package mutating func takeToken(ratePerSecond: Int, now: BootInstant) -> Duration? {
        let rate = UInt64(clamping: ratePerSecond)
        if now > last {
            // After a second it is full in any case, so that no product grows beyond its word.
            let refilled = min(now.nanoseconds(since: last), Self.one) * rate
            nanotokens = min(rate * Self.one, nanotokens + refilled)
            last = now
        }
        guard nanotokens < Self.one else {
            nanotokens -= Self.one
            return nil
        }
        // Rounded up, so that nobody comes too early.
        return .nanoseconds((Self.one - nanotokens + max(1, rate) - 1) / max(1, rate))
    }
}

/// How many connections there may be, and how many of them are for whom.
struct ConnectionLimits {
    /// In all.
    let all: Int
    /// Kept free for those who look after the agent.
    let reserve: Int
    /// Of callers in containers of which nobody knows which, together.
    let unknownContainer: Int

    init(all: Int) {
        self.all = all
        reserve = all / 16
        unknownContainer = max(1, all / 4)
    }

    /// How many more may come now, given how many there are.
    func availableConnections(besides connectedCount: Int, administrator: Bool) -> Int {
        max(0, (administrator ? all : all - reserve) - connectedCount)
    }
}

/// The accounts of everyone who is connected, or was a second ago: whoever reconnects finds its bucket as it left it.
struct TenantTable {
    private var usageByTenant: [Tenant: TenantUsage] = [:]
    // Accounts that were left without a connection, each once, in the order in which they are looked at again.
    private var departed: [(tenantUsage: TenantUsage, checkAt: BootInstant)] = []
    private var unknownContainerConnections = 0
    /// How many have connections.
    private(set) var connectedCount = 0

    /// How long an account is kept after its last connection: by then the bucket is full again, so nothing is lost with it.
    private static let retention: Duration = .seconds(1)

    /// An account with one connection more, or nil where the tenant has as many as it may.
    mutating func addConnection(
        _ tenant: Tenant, limit: Int, unknownContainerLimit: Int = .max, ratePerSecond: Int, now: BootInstant
    ) -> TenantUsage? {
        removeExpired(now: now)
        if tenant.isUnknownContainer, unknownContainerConnections >= unknownContainerLimit { return nil }
        let tenantUsage = usageByTenant[tenant] ?? TenantUsage(tenant, ratePerSecond: ratePerSecond, now: now)
        guard tenantUsage.connections < limit else { return nil }
        if tenantUsage.connections == 0 { connectedCount += 1 }
        tenantUsage.connections += 1
        if tenant.isUnknownContainer { unknownContainerConnections += 1 }
        usageByTenant[tenant] = tenantUsage
        return tenantUsage
    }

    mutating func removeConnection(_ tenantUsage: TenantUsage, now: BootInstant) {
        tenantUsage.connections -= 1
        if tenantUsage.tenant.isUnknownContainer { unknownContainerConnections -= 1 }
        guard tenantUsage.connections == 0 else { return }
        connectedCount -= 1
        // One that comes and goes is in the queue already, and is looked at there by when it went last.
        if tenantUsage.departedAt == nil { departed.append((tenantUsage, now + Self.retention)) }
        tenantUsage.departedAt = now
    }

    private mutating func removeExpired(now: BootInstant) {
        let due = departed.prefix { $0.checkAt <= now }
        guard !due.isEmpty else { return }
        departed.removeFirst(due.count)
        for (tenantUsage, _) in due {
            guard tenantUsage.connections == 0, let since = tenantUsage.departedAt else {
                tenantUsage.departedAt = nil
                continue
            }
            if now - since >= Self.retention {
                usageByTenant[tenantUsage.tenant] = nil
            } else {
                departed.append((tenantUsage, now + Self.retention))
            }
        }
    }
}
