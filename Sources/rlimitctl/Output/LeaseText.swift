import RlimitClient
import RlimitKernel

// How leases look, for people and in JSON.

extension LeaseInfo {
    /// "bash (pid 4242)"; what cannot be seen from here is left out.
    var processLabel: String {
        guard let pid else { return "-" }
        return "\(Procfs.comm(of: pid) ?? "process") (pid \(pid))"
    }

    var json: JSON {
        .object([
            ("id", .string("\(id)")),
            ("pid", pid.map { .integer(Int($0)) } ?? .null),
            ("command", .optional(pid.flatMap(Procfs.comm))),
            ("changes", .array(changes.map(JSON.change))),
            ("endsIn", remaining.map(JSON.seconds) ?? .null),
            ("rule", .optional(rule)),
        ])
    }
}

extension [LeaseInfo] {
    /// A row for each limit that a lease holds.
    var table: String {
        var table = TextTable([
            ("ID", .left), ("PROCESS", .left), ("RESOURCE", .left), ("OLD", .right), ("NEW", .right),
            ("ENDS-IN", .right),
            ("RULE", .left),
        ])
        for lease in self {
            let ending = lease.remaining.map(LeaseTime.text) ?? "-"
            for change in lease.changes {
                let resource = change.resource
                table.append([
                    "\(lease.id)", lease.processLabel, resource.name, resource.formatted(change.old),
                    resource.formatted(change.new), ending, lease.rule?.forTerminal ?? "-",
                ])
            }
        }
        return table.text
    }
}

extension Restoration {
    /// "memlock restored to 8 MiB:8 MiB"
    var line: String { description(limit: limit.map { resource.formatted($0) }) }

    var json: JSON {
        .object([
            ("resource", .string(resource.name)), ("outcome", .string(outcome.word)), ("limit", .limit(limit)),
        ])
    }
}

extension Restoration.Outcome {
    fileprivate var word: String {
        switch self {
        case .restored: "restored"
        case .heldByAnotherLease: "heldByAnotherLease"
        case .changedByTarget: "changedByTarget"
        case .identityChanged: "identityChanged"
        case .processEnded: "processEnded"
        }
    }
}

extension Output {
    /// What the end of a lease came to.
    static func print(_ restorations: [Restoration], asJSON: Bool) throws {
        if asJSON { return try print(.object([("restorations", .array(restorations.map(\.json)))])) }
        for restoration in restorations { try print(restoration.line + "\n") }
    }
}
