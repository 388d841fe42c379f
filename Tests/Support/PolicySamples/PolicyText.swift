import RlimitModel
package import RlimitPolicy

/// Rules as text of a policy file.
package enum PolicyText {
    package static func allow(_ rule: AllowRule) -> String {
        var operations = rule.operations
        // A rule for set without limits is an error in a file. As a value it grants nothing.
        if rule.ceilings.isEmpty { operations.remove(.set) }
        var lines = ["[[allow]]", "name = \"\(rule.name)\""] + caller(rule.caller) + [target(rule.target)]
        lines.append("operations = [\(names(operations).joined(separator: ", "))]")
        guard operations.contains(.set) else { return text(lines) }
        lines.append("limits = { \(ceilings(rule.ceilings)) }")
        if rule.mayLower { lines.append("lower = true") }
        if let lease = rule.lease {
            let length = lease.maxDuration.map { "max = \"\($0.components.seconds)s\", " } ?? ""
            lines.append("lease = { \(length)required = \(lease.isRequired) }")
        }
        return text(lines)
    }

    package static func deny(_ rule: DenyRule) -> String {
        var lines = ["[[deny]]", "name = \"\(rule.name)\""] + caller(rule.caller) + [target(rule.target)]
        if rule.resources.isEmpty && rule.above.isEmpty {
            lines.append("operations = [\(names(rule.operations).joined(separator: ", "))]")
        }
        if !rule.resources.isEmpty {
            lines.append("limits = [\(rule.resources.map { "\"\($0.name)\"" }.joined(separator: ", "))]")
        }
        if !rule.above.isEmpty { lines.append("above = { \(ceilings(rule.above)) }") }
        return text(lines)
    }

    private static func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

    private static func caller(_ pattern: CallerPattern) -> [String] {
        var lines = keys(pattern.keys).map { "caller.\($0)" }
        // An exception without keys is an error in a file. As a value it excepts every caller.
        if let except = pattern.except {
            let keys = keys(except)
            lines += (keys.isEmpty ? ["users = [\"0-4294967294\"]"] : keys).map { "caller.except.\($0)" }
        }
        return lines.isEmpty ? ["caller = \"everyone\""] : lines
    }

    private static func keys(_ keys: CallerKeys) -> [String] {
        var lines: [String] = []
        if let users = keys.users { lines.append("users = \(ids(users))") }
        if let groups = keys.groups { lines.append("groups = \(ids(groups))") }
        if let cgroups = keys.cgroups { lines.append("cgroups = \(list(cgroups.map(\.text)))") }
        if let units = keys.units { lines.append("units = \(list(units.map(\.name.text)))") }
        if let labels = keys.labels { lines.append("labels = \(list(labels.map(\.text)))") }
        return lines
    }

    private static func target(_ target: TargetPattern) -> String {
        guard let users = target.users else { return "target = \"\(target.relation.rawValue)\"" }
        return "target = { relation = \"\(target.relation.rawValue)\", users = \(ids(users)) }"
    }

    // An empty list is an error in a file. No process has this id.
    private static func ids(_ set: IDSet) -> String {
        list(set.isEmpty ? ["4294967294"] : set.ranges.map { "\($0.lowerBound)-\($0.upperBound)" })
    }

    private static func list(_ texts: [String]) -> String {
        "[\(texts.map { "\"\($0)\"" }.joined(separator: ", "))]"
    }

    private static func ceilings(_ ceilings: Ceilings) -> String {
        ceilings.resources.map { resource in
            let bound = ceilings[resource] ?? 0
            return "\(resource.name) = \(bound == .infinity ? "\"unlimited\"" : String(bound.rawValue))"
        }.joined(separator: ", ")
    }

    private static func names(_ operations: Operations) -> [String] {
        let known: [(Operations, String)] = [(.get, "get"), (.set, "set"), (.usage, "usage")]
        let names = known.filter { operations.contains($0.0) }.map { "\"\($0.1)\"" }
        return names.isEmpty ? ["\"lease_list\""] : names
    }
}
