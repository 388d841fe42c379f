import RlimitModel

extension Resource {
    /// Both halves as a person reads them: "1024:4096", "8 MiB:unlimited".
    func formatted(_ limit: Limit) -> String { "\(formatted(limit.soft)):\(formatted(limit.hard))" }

    /// What a bare number of this resource counts, in a table for people.
    var unitWord: String {
        switch self {
        case .processes: "processes"
        case .openFiles: "files"
        case .fileLocks: "locks"
        case .pendingSignals: "signals"
        default: unit.word
        }
    }
}

extension Resource.Unit {
    /// The word for this unit, the same in tables and in JSON.
    var word: String {
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
