import RlimitModel

extension Resource {
    /// The soft and the hard limit with their units: "1024:4096", "8 MiB:unlimited".
    func formatted(_ limit: Limit) -> String { "\(formatted(limit.soft)):\(formatted(limit.hard))" }

    /// The unit of a bare number of this resource, in a table.
    var unitName: String {
        switch self {
        case .processes: "processes"
        case .openFiles: "files"
        case .fileLocks: "locks"
        case .pendingSignals: "signals"
        default: unit.name
        }
    }
}

extension Resource.Unit {
    /// The name of the unit, in tables and in JSON.
    var name: String {
        switch self {
        case .bytes: "bytes"
        case .seconds: "seconds"
        case .microseconds: "microseconds"
        case .count: "count"
        case .niceLevel: "nice level"
        case .priority: "priority"
        }
    }
}
