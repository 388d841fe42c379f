/// A question as it came off the wire: well formed, in range, and not yet judged.
package struct Request: Hashable, Sendable {
    package var id: UInt64
    /// How long the caller cares for the answer; nil for ever.
    package var timeout: Duration?
    package var operation: Operation
    /// Decide only, and say what would come of it.
    package var isExplain: Bool

    package init(id: UInt64, timeout: Duration? = nil, isExplain: Bool = false, _ operation: Operation) {
        self.id = id
        self.timeout = timeout
        self.isExplain = isExplain
        self.operation = operation
    }

    package enum Operation: Hashable, Sendable {
        case get(Target, ResourceSet)
        case set(Target, EditBatch, lease: LeaseTerm?)
        /// prlimit(2): nil only reads.
        case prlimit(Target, Resource, Limit?)
        case usage(Target, Usage.Scope)
        case threadUsage(Target, thread: Int32)
        case leaseRenew(LeaseInfo.ID, LeaseTerm)
        case leaseRelease(LeaseInfo.ID)
        case leaseList
        case serverInfo
        case stats
    }

    /// Of which process a request speaks.
    package enum Target: Hashable, Sendable {
        /// The process that connected.
        case caller
        /// The pidfd that came with the frame.
        case attachedPidfd
        /// A number in the agent's PID namespace, checked to be in 2...4194304.
        case pid(Int32)
        /// Every process in a cgroup; nil is the caller's own.
        case cgroup(String?)
        /// Every process in a pod; nil is the caller's own.
        case pod(String?)
    }

    /// The greatest process id there can be: PID_MAX_LIMIT of the kernel.
    package static let maxPID: Int32 = 4_194_304
}

/// When a lease ends.
package enum LeaseTerm: Hashable, Sendable {
    case connection
    case duration(Duration)
}
