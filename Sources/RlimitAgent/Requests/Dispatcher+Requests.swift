import RlimitModel

extension Request.Operation {
    /// Of which process it speaks; nil where of none.
    var target: Request.Target? {
        switch self {
        case .get(let target, _), .set(let target, _, _), .prlimit(let target, _, _): target
        case .usage(let target, _), .threadUsage(let target, _): target
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats: nil
        }
    }

    var isAboutLeases: Bool {
        switch self {
        case .leaseRenew, .leaseRelease, .leaseList: true
        default: false
        }
    }

    /// Whether it may take longer than a turn.
    var isLongRunning: Bool {
        switch self {
        case .usage(_, .process): return true
        default: break
        }
        switch target {
        case .cgroup, .pod: return true
        default: return false
        }
    }
}
