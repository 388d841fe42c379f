import RlimitModel
import RlimitPolicy

/// The maximum number of long requests under way, and the parts of it that are reserved.
struct LongRequestLimits {
    /// All long requests.
    let all: Int
    /// Long requests that only administrators may have.
    let reserve: Int
    /// Long requests shared by all callers to which no rule applies.
    let withoutRule: Int

    init(all: Int) {
        self.all = all
        reserve = all / 8
        withoutRule = max(1, (all - reserve) / 2)
    }

    /// Who has a long request.
    enum Caller {
        case administrator, withRule, withoutRule

        init(_ peer: Peer, _ policy: Policy) {
            self = policy.isAdministrator(peer) ? .administrator : policy.hasRule(for: peer) ? .withRule : .withoutRule
        }
    }

    /// The number of further long requests that are possible besides the present ones.
    func available(to caller: Caller, besides count: Int, ofThemWithoutRule: Int) -> Int {
        switch caller {
        case .administrator: max(0, all - count)
        case .withRule: max(0, all - reserve - count)
        case .withoutRule: max(0, min(all - reserve - count, withoutRule - ofThemWithoutRule))
        }
    }

    /// How many long requests a tenant may have: a few, and never more than remain for others.
    static func limit(ofTenantWith available: Int) -> Int { min(TenantUsage.maxLongRequests, available) }
}
