/// A request as decoded from the wire: well formed and in range. The policy has not decided on it yet.
package struct Request: Hashable, Sendable {
    package var id: UInt64
    /// How long the client waits for the response; nil for no limit.
    package var timeout: Duration?
    package var operation: Operation
    /// The agent decides and reports the decision, and changes nothing.
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
        /// prlimit(2); nil reads the limit without changing it.
        case prlimit(Target, Resource, Limit?)
        case usage(Target, Usage.Scope)
        case threadUsage(Target, thread: Int32)
        case leaseRenew(LeaseInfo.ID, LeaseTerm)
        case leaseRelease(LeaseInfo.ID)
        case leaseList
        case serverInfo
        case stats
    }

    /// The process, or the group of processes, that a request concerns.
    package enum Target: Hashable, Sendable {
        /// The process that connected.
        case caller
        /// The process of the pidfd that came with the frame.
        case attachedPidfd
        /// A process id in the agent's PID namespace, in the range 2 to `maxPID`.
        case pid(Int32)
        /// The same, if the pid is still that process.
        case identifiedPID(IdentifiedPID)
        /// Every process in a cgroup, given by its path; nil is the caller's own.
        case cgroup(String?)
        /// Every process in a pod, given by the path of its cgroup; nil is the caller's own.
        case pod(String?)
    }

    /// A process id with a fact that distinguishes its process from later ones with the same id.
    ///
    /// The order of the properties keeps it as small as a `String`, the largest other target.
    package struct IdentifiedPID: Hashable, Sendable {
        /// The inode of a pidfd, or the start time.
        package var value: UInt64
        package var pid: Int32
        package var isInode: Bool

        package init(_ pid: Int32, inode: UInt64) {
            self.pid = pid
            value = inode
            isInode = true
        }

        /// - Parameter startTime: Field 22 of /proc/PID/stat.
        package init(_ pid: Int32, startTime: UInt64) {
            self.pid = pid
            value = startTime
            isInode = false
        }
    }

    /// The highest process id that Linux assigns: PID_MAX_LIMIT in the kernel.
    package static let maxPID: Int32 = 4_194_304
}

/// When a lease ends.
package enum LeaseTerm: Hashable, Sendable {
    /// With the connection of its holder.
    case connection
    case duration(Duration)
}

// The agent's event loop reads these of every request, so they are inlined into its module.
extension Request {
    /// The operation's name in the protocol, in rules and in audit records.
    @inlinable package var operationName: StaticString {
        if isExplain { return "explain" }
        return switch operation {
        case .get: "get"
        case .set: "set"
        case .prlimit: "prlimit"
        case .usage, .threadUsage: "usage"
        case .leaseRenew: "lease_renew"
        case .leaseRelease: "lease_release"
        case .leaseList: "lease_list"
        case .serverInfo: "server_info"
        case .stats: "stats"
        }
    }

    /// The cgroup or pod that the request concerns; nil if it concerns one process or none.
    ///
    /// - Throws: `.unsupported` for a request that concerns a cgroup or pod and is not a get, set or usage, is an
    ///   explain, or asks for a lease.
    @inlinable package func cgroupTarget() throws(RlimitError) -> Cgroup.Place? {
        switch operation.target {
        case .cgroup(let path): try checkAppliesToCgroup(.cgroup(path))
        case .pod(let path): try checkAppliesToCgroup(.pod(path))
        case .caller, .attachedPidfd, .pid, .identifiedPID, nil: nil
        }
    }

    @usableFromInline
    package func checkAppliesToCgroup(_ place: Cgroup.Place) throws(RlimitError) -> Cgroup.Place {
        switch operation {
        case .get, .usage, .set(_, _, lease: nil):
            guard isExplain else { return place }
            throw RlimitError(
                .unsupported, message: "explain concerns one process; name a process of the cgroup instead")
        case .set:
            throw RlimitError(
                .unsupported, message: "a lease concerns one process; name a process of the cgroup instead")
        default:
            throw RlimitError(.unsupported, message: "only get, set and usage accept a cgroup or a pod as their target")
        }
    }
}

extension Request.Operation {
    /// The target; nil for an operation that concerns no process.
    @inlinable package var target: Request.Target? {
        switch self {
        case .get(let target, _), .set(let target, _, _), .prlimit(let target, _, _): target
        case .usage(let target, _), .threadUsage(let target, _): target
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats: nil
        }
    }

    /// The process id of the target, if it names one.
    @inlinable package var namedPID: Int32? {
        switch target {
        case .pid(let pid): pid
        case .identifiedPID(let process): process.pid
        default: nil
        }
    }

    /// The same operation on another target. An operation without a target stays as it is.
    package func on(_ target: Request.Target) -> Request.Operation {
        switch self {
        case .get(_, let resources): .get(target, resources)
        case .set(_, let edits, let lease): .set(target, edits, lease: lease)
        case .prlimit(_, let resource, let new): .prlimit(target, resource, new)
        case .usage(_, let scope): .usage(target, scope)
        case .threadUsage(_, let thread): .threadUsage(target, thread: thread)
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats: self
        }
    }

    /// The resources with limits that the decision depends on.
    @inlinable package var resources: ResourceSet {
        switch self {
        case .get(_, let resources): resources
        case .set(_, let edits, _): edits.resources
        case .prlimit(_, let resource, _): ResourceSet(only: resource)
        default: .none
        }
    }

    /// Whether it asks to change limits.
    @inlinable package var isChange: Bool {
        switch self {
        case .set, .prlimit(_, _, .some): true
        default: false
        }
    }

    /// Whether it asks for a new lease.
    @inlinable package var isLease: Bool {
        if case .set(_, _, lease: .some) = self { true } else { false }
    }

    /// Whether it lists, renews or releases leases.
    @inlinable package var isAboutLeases: Bool {
        switch self {
        case .leaseRenew, .leaseRelease, .leaseList: true
        default: false
        }
    }

    /// The lease that it renews or releases.
    @inlinable package var leaseID: LeaseInfo.ID? {
        switch self {
        case .leaseRenew(let id, _), .leaseRelease(let id): id
        default: nil
        }
    }

    /// Whether `explain` can be asked of it: of every operation with a target.
    @inlinable package var isExplainable: Bool { target != nil }

    /// Whether it may take longer than one turn of the event loop.
    @inlinable package var isLongRunning: Bool {
        switch self {
        case .usage(_, .process): return true
        default: break
        }
        switch target {
        case .cgroup, .pod: return true
        default: return false
        }
    }

    /// The edit at an index of the batch; a `prlimit` that writes counts as a batch of one.
    package func edit(at index: Int) -> NumericEdit? {
        switch self {
        case .set(_, let edits, _): edits.indices.contains(index) ? edits[index] : nil
        case .prlimit(_, let resource, let new?): NumericEdit(resource, soft: new.soft, hard: new.hard)
        default: nil
        }
    }

    /// The limit that a compare-and-set of this resource expects, with the index of that edit.
    package func expected(of resource: Resource) -> (index: Int, limit: Limit)? {
        guard case .set(_, let edits, _) = self, let index = edits.firstIndex(where: { $0.resource == resource }),
            let limit = edits[index].expecting
        else { return nil }
        return (index, limit)
    }
}
