import RlimitClient

// Leases as text and as JSON.

extension LeaseInfo {
    var json: JSON {
        .object(
            [("id", .string("\(id)"))] + ProcessLabel(pid: pid).members + [
                ("changes", .array(changes.map(JSON.change))),
                ("endsIn", remaining.map(JSON.seconds) ?? .null),
                ("rule", .optional(rule)),
            ])
    }
}

extension [LeaseInfo] {
    /// A table with a row for each limit that a lease raised.
    var table: String {
        var table = TextTable([
            ("ID", .left), ("PROCESS", .left), ("RESOURCE", .left), ("OLD", .right), ("NEW", .right),
            ("ENDS-IN", .right), ("RULE", .left),
        ])
        for lease in self {
            let process = lease.pid.map { "\(ProcessLabel(pid: $0))" } ?? "-"
            let ending = lease.remaining.map(LeaseTime.text) ?? "-"
            for change in lease.changes {
                let resource = change.resource
                table.append([
                    "\(lease.id)", process, resource.name, resource.formatted(change.old),
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
            ("resource", .string(resource.name)), ("outcome", .string(outcome.jsonName)), ("limit", .limit(limit)),
        ])
    }
}

extension Restoration.Outcome {
    fileprivate var jsonName: String {
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
    /// Prints what became of each limit at the end of a lease.
    static func print(_ restorations: [Restoration], asJSON: Bool) throws {
        if asJSON { return try print(.object([("restorations", .array(restorations.map(\.json)))])) }
        for restoration in restorations { try print(restoration.line + "\n") }
    }
}
