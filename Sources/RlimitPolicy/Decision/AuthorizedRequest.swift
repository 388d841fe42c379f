package import RlimitModel

/// Leave to do one deed. Only this module can make one, so what nobody judged cannot be done.
package struct AuthorizedRequest: Sendable {
    package let operation: AuthorizedOperation

    init(_ authorizedOperation: AuthorizedOperation) { self.operation = authorizedOperation }
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
