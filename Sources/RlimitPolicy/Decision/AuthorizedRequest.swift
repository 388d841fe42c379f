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
