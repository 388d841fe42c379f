package import RlimitModel

/// The permission for one operation. Only this module can create one, so no operation runs without a decision.
package struct AuthorizedRequest: Sendable {
    package let operation: AuthorizedOperation

    init(_ authorizedOperation: AuthorizedOperation) { self.operation = authorizedOperation }
}

/// An operation that the policy permits.
package enum AuthorizedOperation: Sendable {
    case read(ResourceSet)
    /// The edits, in the order of the request.
    case change([AuthorizedEdit])
    case usage(Usage.Scope)
    case threadUsage(Int32)
    case serverInfo
    case stats
    /// Lists the caller's own leases, or all leases.
    case leaseList(ofEveryone: Bool)
    /// Renews or releases one lease. For a lease of another holder, `Policy.mayManageLeases` decides in addition.
    case leaseRenew
    case leaseRelease
}

extension AuthorizedOperation {
    /// The operation that performs a request which only reads; nil for any other request.
    static func reading(_ operation: Request.Operation) -> AuthorizedOperation? {
        switch operation {
        case .get(_, let resources): .read(resources)
        case .prlimit(_, let resource, nil): .read(ResourceSet(only: resource))
        case .usage(_, let scope): .usage(scope)
        case .threadUsage(_, let thread): .threadUsage(thread)
        default: nil
        }
    }
}

/// A granted edit, resolved to the two numbers that prlimit(2) gets.
package struct AuthorizedEdit: Hashable, Sendable {
    /// The index of the edit in the request, from 0.
    package let index: Int
    package let resource: Resource
    /// The limit that the decision is based on.
    package let old: Limit
    package let new: Limit
    /// The rule that grants it; nil if it needs none.
    package let rule: String?
    /// Whether the caller may also lower this limit, so that an undo may lower it.
    package let mayLower: Bool
    /// For CLAMP: why less than requested is granted.
    package let shortfall: RlimitError?
    /// The maximum duration of a lease; nil if the rule sets none.
    package let maxLeaseDuration: Duration?
    /// The rule's ceiling, reduced by deny rules and by the kernel's maximum; nil if the edit needs no rule.
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
