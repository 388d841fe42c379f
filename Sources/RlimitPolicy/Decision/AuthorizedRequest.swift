package import RlimitModel

/// Leave to do one deed. Only this module can make one, so what nobody judged cannot be done.
package struct AuthorizedRequest: Sendable {
    package let operation: AuthorizedOperation

    init(_ authorizedOperation: AuthorizedOperation) { self.operation = authorizedOperation }
}

/// What a judge says: the verdict, or what of the process it depends on.
package enum EvaluationOutcome: Sendable {
    case decided(Result<AuthorizedRequest, RlimitError>)
    case needsDetail(ProcessDetail.Parts)
}

/// What may be done.
package enum AuthorizedOperation: Sendable {
    case read(ResourceSet)
    /// In the order of the edits.
    case change([AuthorizedEdit])
    case usage(Usage.Scope)
    case threadUsage(Int32)
    case serverInfo
    case stats
    /// The caller's own leases, or everyone's.
    case leaseList(ofEveryone: Bool)
    /// Another end for one lease, or its end. Whose it may be is said by `Policy.mayManageLeases` where it is not the caller's.
    case leaseRenew
    case leaseRelease
}

/// An edit that was granted, worked out to the two numbers that the kernel gets.
package struct AuthorizedEdit: Hashable, Sendable {
    /// Its place in the request, from 0.
    package let index: Int
    package let resource: Resource
    /// What it was judged against.
    package let old: Limit
    package let new: Limit
    /// Which rule granted it; nil where none was needed.
    package let rule: String?
    /// Whether this caller may lower this limit too, so that undoing may.
    package let mayLower: Bool
    /// Of CLAMP: why it is not all that was asked for.
    package let shortfall: RlimitError?
    /// The longest that a lease of it may last, where the rule says.
    package let maxLeaseDuration: Duration?
    /// How far the rule goes, with what denies and the kernel leave of it; nil where no rule was needed.
    package let effectiveCeiling: Limit.Bound?

    init(
        index: Int, resource: Resource, old: Limit, new: Limit, rule: String?, mayLower: Bool,
        shortfall: RlimitError? = nil, maxLeaseDuration: Duration? = nil,
        effectiveCeiling: Limit.Bound? = nil
    ) {
        self.index = index
        self.resource = resource
        self.old = old
        self.new = new
        self.rule = rule
        self.mayLower = mayLower
        self.shortfall = shortfall
        self.maxLeaseDuration = maxLeaseDuration
        self.effectiveCeiling = effectiveCeiling
    }
}
