import RlimitModel

/// One half of a limit, independent of the resource: so that a counterexample can be tried with another one.
enum Amount: Hashable, CaseIterable {
    case one, two, three, four
    /// More than `fs.nr_open`, for open files; a great number for the others.
    case beyond
    case infinite

    /// In the unit of the resource. No amount harms a process that sleeps.
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

/// Both halves.
struct Amounts: Hashable {
    var soft: Amount
    var hard: Amount

    func limit(of resource: Resource, openFilesCeiling: UInt64) -> Limit {
        Limit(
            soft: soft.bound(of: resource, openFilesCeiling: openFilesCeiling),
            hard: hard.bound(of: resource, openFilesCeiling: openFilesCeiling))
    }
}
