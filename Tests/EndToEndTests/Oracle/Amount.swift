import RlimitModel

/// A soft or hard limit, independent of the resource. The same counterexample can be tried with another resource.
enum Amount: Hashable, CaseIterable {
    case one, two, three, four
    /// For open files more than `fs.nr_open`, for other resources a large number.
    case beyond
    case infinite

    /// The value in the unit of the resource. No amount harms a sleeping process.
    func bound(of resource: Resource, openFilesCeiling: UInt64) -> Limit.Bound {
        let unit: UInt64 =
            switch resource {
            case .cpuTime, .processes, .pendingSignals: 1000
            case .fileSize, .coreFileSize: 1 << 20
            case .stackSize: 8 << 20
            case .dataSize, .residentSetSize, .addressSpace: 1 << 32
            case .openFiles: 256
            case .lockedMemory: 1 << 16
            case .messageQueueBytes: 8192
            case .realtimeTimeout: 1_000_000
            case .fileLocks, .nice, .realtimePriority: 10
            @unknown default: 1000
            }
        return switch self {
        case .one: Limit.Bound(unit)
        case .two: Limit.Bound(unit * 2)
        case .three: Limit.Bound(unit * 3)
        case .four: Limit.Bound(unit * 4)
        case .beyond: Limit.Bound(resource == .openFiles ? openFilesCeiling + 1 : 1 << 60)
        case .infinite: .infinity
        }
    }
}

/// A soft and a hard limit, independent of the resource.
struct Amounts: Hashable {
    var soft: Amount
    var hard: Amount

    func limit(of resource: Resource, openFilesCeiling: UInt64) -> Limit {
        Limit(
            soft: soft.bound(of: resource, openFilesCeiling: openFilesCeiling),
            hard: hard.bound(of: resource, openFilesCeiling: openFilesCeiling))
    }
}
