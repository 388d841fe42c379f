import RlimitKernel
import RlimitModel

/// Limits that were raised for one process, and are restored when the lease ends.
struct Lease: Hashable, Sendable {
    let id: LeaseInfo.ID
    let process: ProcessIdentity
    /// The six ids of the process at the grant. The limits of a program that runs with other ids are never lowered.
    let credentials: Credentials
    /// The caller that may renew and release the lease.
    var holder: LeaseHolder
    /// The tenant whose quota the lease counts against.
    let tenant: Tenant
    var term: Term
    /// When the lease ends, unless something ends it before; nil where it does not end by time.
    var endsAt: BootInstant?
    let grantedAt: BootInstant
    /// One part for each limit, in the order of the edits.
    var parts: [LeasePart]
    /// The connection with which the lease ends; nil for a lease by duration, and while the holder has not reconnected
    /// after a restart of the agent.
    var session: UInt64?
    /// The lease has ended, but its process runs with other ids now. The next attempt to restore is at `endsAt`.
    var hasEnded = false
    /// What ends the lease at `endsAt`.
    var cause = Cause.expired

    enum Term: UInt8, Hashable, Sendable {
        case duration = 0
        case connection = 1
        /// Not a lease, but a permanent edit of a limit that leases hold too. It keeps the limit raised when they end,
        /// and goes when the last of them has ended.
        case permanent = 2
    }

    /// Why a lease ended, as audit records state it.
    enum Cause: String, Hashable, Sendable {
        case expired, released, disconnected
        /// The grant failed, and limits that it had raised could not be lowered.
        case refused
        case processEnded = "process-ended"
    }

    /// The rule that granted the lease: the first, where several rules granted its parts.
    var rule: String? { parts.lazy.compactMap(\.rule).first }
}

/// The part of a lease that concerns one limit.
struct LeasePart: Hashable, Sendable {
    let resource: Resource
    /// The limit before the grant, and after it.
    let old: Limit
    let new: Limit
    let rule: String?
    /// What the lease keeps the limit at until it ends.
    var bounds: LeaseBounds
    /// The generation of the leased limit that the part belongs to. Generations of one limit rise.
    var generation: UInt64
    /// The limit that the leased limit is restored to.
    let original: Limit

    /// The generation of a part whose limit no lease holds any more.
    static let noLeasedLimit: UInt64 = 0

    var change: Change { Change(resource, old: old, new: new, grantedBy: .agent(rule: rule)) }
}

/// The values below which a lease keeps each half of a limit from falling; nil where it does not hold that half.
struct LeaseBounds: Hashable, Sendable {
    var soft: Limit.Bound?
    var hard: Limit.Bound?

    func union(_ other: LeaseBounds) -> LeaseBounds {
        LeaseBounds(soft: Self.greater(soft, other.soft), hard: Self.greater(hard, other.hard))
    }

    private static func greater(_ left: Limit.Bound?, _ right: Limit.Bound?) -> Limit.Bound? {
        guard let left, let right else { return left ?? right }
        return max(left, right)
    }
}

extension Limit {
    /// This limit, raised to the bounds. The soft limit may exceed the hard limit then, where only the soft limit is
    /// held.
    func raised(by bounds: LeaseBounds) -> Limit {
        Limit(soft: max(soft, bounds.soft ?? soft), hard: max(hard, bounds.hard ?? hard))
    }

    /// This limit, with a soft limit that does not exceed the hard limit.
    var softClampedToHard: Limit { Limit(soft: min(soft, hard), hard: hard) }
}

/// The caller that a lease was granted to.
struct LeaseHolder: Hashable, Sendable {
    /// nil where the process has no pid in the agent's PID namespace.
    var process: ProcessIdentity?
    var uid: UInt32
    var gid: UInt32
    var sharesNamespace: Bool
}

extension LeaseTerm {
    /// When a lease of this term ends by itself; nil where only the connection ends it.
    func expiry(from now: BootInstant, maxDuration: Duration?) -> BootInstant? {
        switch self {
        case .connection: maxDuration.map { now + $0 }
        case .duration(let duration): now + duration
        }
    }
}
