import RlimitKernel
import RlimitModel

/// Limits that were lent to one process, and must be taken back.
struct Lease: Hashable, Sendable {
    let id: LeaseInfo.ID
    let process: ProcessIdentity
    /// The six ids of the process at the grant: a program that runs with others is never lowered.
    let credentials: Credentials
    /// Who may renew and release it.
    var holder: LeaseHolder
    /// Whose quota it counts against.
    let tenant: Tenant
    var term: Term
    /// When it ends, if nothing ends it before.
    var endsAt: BootInstant?
    let grantedAt: BootInstant
    /// In the order of the edits.
    var parts: [LeasePart]
    /// The connection that it lasts as long as; nil where it lasts by time, or the connection is still to come back.
    var session: UInt64?
    /// It has ended, but the process runs with other ids now: looked at again at `endsAt`.
    var hasEnded = false
    /// What ends it at `endsAt`.
    var cause = Cause.expired

    enum Term: UInt8, Hashable, Sendable {
        case duration = 0
        case connection = 1
        /// No lease, but what was given for good of a limit of which others have leases: it is kept when they end. Ends with the
        /// last of them.
        case permanent = 2
    }

    /// Why a lease ended, as the audit has it.
    enum Cause: String, Hashable, Sendable {
        case expired, released, disconnected
        /// It was answered as refused, but what was raised could not be lowered.
        case refused
        case processEnded = "process-ended"
    }

    /// The rule that granted it: the first, where it took several.
    var rule: String? { parts.lazy.compactMap(\.rule).first }
}

/// What a lease lends of one resource.
struct LeasePart: Hashable, Sendable {
    let resource: Resource
    /// Before the grant, and after it.
    let old: Limit
    let new: Limit
    let rule: String?
    /// What it keeps the limit at, as long as it lives.
    var bounds: LeaseBounds
    /// Which holding of this limit it belongs to. Holdings of one limit follow one another, with rising numbers.
    var generation: UInt64
    /// What that holding goes back to.
    let original: Limit

    /// The generation of a part whose holding is no more.
    static let noLeasedLimit: UInt64 = 0

    var change: Change { Change(resource, old: old, new: new, grantedBy: .agent(rule: rule)) }
}

/// What keeps a limit up: each half at least so much; nil at anything.
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
    /// The least that is no less than this and what is held. A soft limit is never above the hard one: held alone, it comes
    /// down with it.
    func raised(by bounds: LeaseBounds) -> Limit {
        Limit(soft: max(soft, bounds.soft ?? soft), hard: max(hard, bounds.hard ?? hard))
    }

    /// Soft at most what hard is.
    var softClampedToHard: Limit { Limit(soft: min(soft, hard), hard: hard) }
}

/// Who asked for a lease.
struct LeaseHolder: Hashable, Sendable {
    /// nil where it has no number in the agent's PID namespace.
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
