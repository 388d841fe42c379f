import RlimitModel

extension Change {
    /// "nofile 1024:4096 -> 65536:65536  bash (pid 4242)"
    func line(of process: ProcessLabel) -> String { Self.line(resource, from: old, to: new, of: process) }

    /// The same line for a change that was not made.
    static func line(_ resource: Resource, from old: Limit, to new: Limit, of process: ProcessLabel) -> String {
        "\(resource.name) \(resource.formatted(old)) -> \(resource.formatted(new))  \(process)"
    }

    /// Sentences about the change: why it is less than requested, and its warnings.
    var notes: [String] {
        let shortfall = shortfall.map { ["\(resource.name) got less than requested: \($0.message.forTerminal)"] }
        return (shortfall ?? []) + warnings.map { "\(resource.name): \($0.sentence)" }
    }
}

extension Change.Warning {
    /// The value in JSON.
    var jsonName: String {
        switch self {
        case .limitedByUserNamespace: "limitedByUserNamespace"
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .limitedByUserNamespace:
            "the kernel also enforces the limit of the creator of the process's user namespace, which can be lower"
        }
    }
}
