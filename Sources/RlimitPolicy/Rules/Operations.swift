import RlimitModel

/// The operations that a rule can list.
package struct Operations: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Reading limits.
    package static let get = Operations(rawValue: 1)
    /// Changing limits, by `set` or `prlimit`.
    package static let set = Operations(rawValue: 2)
    /// Reading usage.
    package static let usage = Operations(rawValue: 4)
    /// Reading the agent's statistics.
    package static let stats = Operations(rawValue: 8)
    /// Listing the leases of all holders.
    package static let leaseList = Operations(rawValue: 16)

    /// The operations with a target: the default of a rule that lists no operations.
    package static let onProcesses: Operations = [.get, .set, .usage]
}

extension Operations {
    /// The operation under which rules list a request that only reads.
    static func reading(_ operation: Request.Operation) -> Operations {
        switch operation {
        case .usage, .threadUsage: .usage
        default: .get
        }
    }
}
