extension Resource: LosslessStringConvertible {
    /// The short name, as in policy files and in `rlimitctl`: "nofile".
    public var name: String {
        switch self {
        case .cpuTime: "cpu"
        case .fileSize: "fsize"
        case .dataSize: "data"
        case .stackSize: "stack"
        case .coreFileSize: "core"
        case .residentSetSize: "rss"
        case .processes: "nproc"
        case .openFiles: "nofile"
        case .lockedMemory: "memlock"
        case .addressSpace: "as"
        case .fileLocks: "locks"
        case .pendingSignals: "sigpending"
        case .messageQueueBytes: "msgqueue"
        case .nice: "nice"
        case .realtimePriority: "rtprio"
        case .realtimeTimeout: "rttime"
        }
    }

    /// A short description: "open files".
    public var summary: String {
        switch self {
        case .cpuTime: "processor time"
        case .fileSize: "file size"
        case .dataSize: "data segment"
        case .stackSize: "stack"
        case .coreFileSize: "core file"
        case .residentSetSize: "resident memory"
        case .processes: "processes of the user"
        case .openFiles: "open files"
        case .lockedMemory: "locked memory"
        case .addressSpace: "address space"
        case .fileLocks: "file locks"
        case .pendingSignals: "pending signals"
        case .messageQueueBytes: "message queues"
        case .nice: "nice level"
        case .realtimePriority: "real-time priority"
        case .realtimeTimeout: "real-time processor time"
        }
    }

    /// The short name.
    public var description: String { name }

    /// The resource with that name; nil for an unknown name. `init(named:)` throws the reason.
    public init?(_ description: String) {
        guard let resource = try? Resource(named: description) else { return nil }
        self = resource
    }

    /// The resource with a name in any of these forms: `nofile`, `RLIMIT_NOFILE`, `Nofile`; also `ofile` and `vmem`,
    /// which other systems use for `nofile` and `as`.
    ///
    /// - Throws: `.unsupported` for a resource that only other systems have, such as `sbsize`; `.invalidResource`,
    ///   with the most similar known name, for anything else.
    public init(named name: String) throws(RlimitError) {
        var word = name.lowercased()
        if word.hasPrefix("rlimit_") { word.removeFirst("rlimit_".count) }
        switch word {
        case "ofile": self = .openFiles
        case "vmem": self = .addressSpace
        case "sbsize", "swap", "npts", "kqueues", "umtxp":
            throw RlimitError(.unsupported, message: "Linux has no resource \"\(word)\"; other systems do")
        default:
            guard let known = Resource.allCases.first(where: { $0.name == word }) else {
                throw RlimitError(.invalidResource, message: Resource.unknown(name, word))
            }
            self = known
        }
    }

    private static func unknown(_ name: String, _ word: String) -> String {
        let nearest = Resource.allCases.min { editDistance($0.name, word) < editDistance($1.name, word) }
        guard let nearest, editDistance(nearest.name, word) <= 3 else {
            return "unknown resource \"\(name)\"; the names are \(allCases.map(\.name).joined(separator: " "))"
        }
        return "unknown resource \"\(name)\"; did you mean \"\(nearest.name)\"?"
    }
}

/// The number of letters to insert, remove or replace to turn one word into the other (Levenshtein distance).
package func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (i, a) in left.utf8.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}
