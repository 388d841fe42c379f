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
    case unplaced(UInt32)

    init(_ peer: Peer, _ policy: Policy) {
        if peer.sharesNamespace {
            self = .user(peer.uid)
        } else if let cgroup = peer.cgroup, peer.isPinned {
            self = .container(policy.container(of: cgroup))
        } else {
            self = .unplaced(peer.uid)
        }
    }

    var isUnplaced: Bool {
        if case .unplaced = self { return true }
        return false
    }
}

/// What one tenant takes of the agent now. Connections of the tenant share it.
final class Account {
    fileprivate let tenant: Tenant
    fileprivate(set) var connections = 0
    /// Requests under way that take longer than a turn.
    var errands = 0
    static let greatestErrands = 4
    /// Processes that its connections hold and could give up; one that several of them hold counts for each.
    var held = 0
    /// Descriptors that wait for the rest of their frames.
    var attachments = 0
    /// When the last connection ended; nil where it is not among the departed.
    fileprivate var departedAt: Moment?
    private var bucket: TokenBucket
    private var turn: UInt64 = 0
    // In nanoseconds.
    private var timeInTurn: UInt64 = 0
    /// What all connections of one tenant together may take of a turn of the loop, and then those of others come first: in
    /// nanoseconds, a millisecond.
    static let greatestTimeInTurn: UInt64 = 1_000_000
    /// The groups that its connections came with, each list once.
    var groups = GroupLists()

    fileprivate init(_ tenant: Tenant, ratePerSecond: Int, now: Moment) {
        self.tenant = tenant
        bucket = TokenBucket(ratePerSecond: ratePerSecond, now: now)
    }

    /// nil: one more request is within the rate. Otherwise how long to wait.
    func admitRequest(ratePerSecond: Int, now: Moment) -> Duration? {
        // Taken out and put back: so nobody can look at it meanwhile, and the compiler sees that.
        var bucket = self.bucket
        defer { self.bucket = bucket }
        return bucket.take(ratePerSecond: ratePerSecond, now: now)
    }

    /// Whether one of its connections may still be served in this turn of the loop.
    func hasTime(inTurn turn: UInt64) -> Bool { self.turn != turn || timeInTurn < Self.greatestTimeInTurn }

    /// One of its connections was served for so many nanoseconds.
    func spend(_ time: UInt64, inTurn turn: UInt64) {
        timeInTurn = self.turn == turn ? timeInTurn &+ time : time
        self.turn = turn
    }
}

/// A second's worth of requests at once, then as many as trickle in.
package struct TokenBucket {
    // In billionths of a request: with so many requests a second, each nanosecond brings as many of them.
    private var billionths: UInt64
    private var last: Moment
    private static let one: UInt64 = 1_000_000_000

    package init(ratePerSecond: Int, now: Moment) {
        billionths = UInt64(clamping: ratePerSecond) * Self.one
        last = now
    }

    package mutating func take(ratePerSecond: Int, now: Moment) -> Duration? {
        let rate = UInt64(clamping: ratePerSecond)
        if now > last {
            // After a second it is full in any case, so that no product grows beyond its word.
            let gained = min(now.nanoseconds(since: last), Self.one) * rate
            billionths = min(rate * Self.one, billionths + gained)
            last = now
        }
        guard billionths < Self.one else {
            billionths -= Self.one
            return nil
        }
        // Rounded up, so that nobody comes too early.
        return .nanoseconds((Self.one - billionths + max(1, rate) - 1) / max(1, rate))
    }
}

/// How many connections there may be, and how many of them are for whom.
struct ConnectionLimits {
    /// In all.
    let all: Int
    /// Kept free for those who look after the agent.
    let reserve: Int
    /// Of callers in containers of which nobody knows which, together.
    let unplaced: Int

    init(all: Int) {
        self.all = all
        reserve = all / 16
        unplaced = max(1, all / 4)
    }

    /// How many more may come now, given how many there are.
    func free(besides present: Int, administrator: Bool) -> Int {
        max(0, (administrator ? all : all - reserve) - present)
    }
}

/// The accounts of everyone who is connected, or was a second ago: whoever reconnects finds its bucket as it left it.
struct Tenants {
    private var accounts: [Tenant: Account] = [:]
    // Accounts that were left without a connection, each once, in the order in which they are looked at again.
    private var departed: [(account: Account, lookAgainAt: Moment)] = []
    private var unplaced = 0
    /// How many have connections.
    private(set) var present = 0

    /// How long an account is kept after its last connection: by then the bucket is full again, so nothing is lost with it.
    private static let memory: Duration = .seconds(1)

    /// An account with one connection more, or nil where the tenant has as many as it may.
    mutating func admit(
        _ tenant: Tenant, limit: Int, unplacedLimit: Int = .max, ratePerSecond: Int, now: Moment
    ) -> Account? {
        forgetDeparted(now: now)
        if tenant.isUnplaced, unplaced >= unplacedLimit { return nil }
        let account = accounts[tenant] ?? Account(tenant, ratePerSecond: ratePerSecond, now: now)
        guard account.connections < limit else { return nil }
        if account.connections == 0 { present += 1 }
        account.connections += 1
        if tenant.isUnplaced { unplaced += 1 }
        accounts[tenant] = account
        return account
    }

    mutating func release(_ account: Account, now: Moment) {
        account.connections -= 1
        if account.tenant.isUnplaced { unplaced -= 1 }
        guard account.connections == 0 else { return }
        present -= 1
        // One that comes and goes is in the queue already, and is looked at there by when it went last.
        if account.departedAt == nil { departed.append((account, now + Self.memory)) }
        account.departedAt = now
    }

    private mutating func forgetDeparted(now: Moment) {
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
