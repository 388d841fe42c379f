import RlimitModel
import RlimitPolicy

// The keys of [[allow]] and [[deny]], and the combinations that are accepted.

extension PolicyFileReader {
    mutating func allow(_ rule: Rule) -> Located<AllowRule>? {
        let errors = diagnostics.errors.count
        diagnostics.unknownKeys(
            of: rule.entries, in: "an allow rule",
            known: ["name", "caller", "target", "operations", "limits", "lower", "lease"])
        let name = name(of: rule)
        let caller = caller(of: rule, unknown: .warning)
        var target: TargetPattern? = TargetPattern(.sameUser)
        if let entry = rule["target"] { target = self.target(entry, default: nil, unknown: .warning) }
        let operations = operations(of: rule) ?? .onProcesses
        let ceilings = rule["limits"].flatMap { self.ceilings($0) }
        let mayLower = rule["lower"].flatMap { boolean($0) } ?? false
        let lease = rule["lease"].flatMap { self.lease($0) }
        // Skipped after other errors: a misspelt key must not also be reported as missing.
        if diagnostics.errors.count == errors { checkConsistency(rule, operations) }
        guard let name, let caller, let target else { return nil }
        let allow = AllowRule(
            name: name.value, caller: caller, target: target, operations: operations, ceilings: ceilings ?? Ceilings(),
            mayLower: mayLower, lease: lease)
        return Located(value: allow, location: name.location)
    }

    mutating func deny(_ rule: Rule) -> Located<DenyRule>? {
        diagnostics.unknownKeys(
            of: rule.entries, in: "a deny rule", known: ["name", "caller", "target", "operations", "limits", "above"])
        let name = name(of: rule)
        let caller = caller(of: rule, unknown: .error)
        var target: TargetPattern? = TargetPattern(.any)
        if let entry = rule["target"] { target = self.target(entry, default: .any, unknown: .error) }
        let isPartial = rule["limits"] != nil || rule["above"] != nil
        let operations = operations(of: rule) ?? (isPartial ? .set : .onProcesses)
        if isPartial, operations != .set {
            diagnostics.error(
                rule["operations"]?.node.location ?? rule.location,
                "limits and above apply only to changes: omit operations, or write a separate rule for the other operations"
            )
        }
        let resources = rule["limits"].flatMap { self.resources($0) } ?? .none
        let above = rule["above"].flatMap { ceilings($0) } ?? Ceilings()
        guard let name, let caller, let target else { return nil }
        let deny = DenyRule(
            name: name.value, caller: caller, target: target, operations: operations, resources: resources, above: above
        )
        return Located(value: deny, location: name.location)
    }

    // Reports rules that could not have the effect that they seem to describe.
    private mutating func checkConsistency(_ rule: Rule, _ operations: Operations) {
        if let limits = rule["limits"], !operations.contains(.set) {
            diagnostics.error(
                limits.keyLocation, "limits apply only to changes, and \"set\" is not among the operations")
        }
        for key in ["lower", "lease"] where rule["limits"] == nil {
            if let entry = rule[key] {
                diagnostics.error(entry.keyLocation, "\(key) requires limits: name the resources")
            }
        }
        if rule["limits"] == nil, operations.contains(.set) {
            diagnostics.error(
                rule["operations"]?.node.location ?? rule.location,
                "this rule grants no change: add limits, or operations = [\"get\", \"usage\"] for a rule that grants only reading"
            )
        }
    }

    private mutating func name(of rule: Rule) -> Located<String>? {
        guard let entry = rule["name"] else {
            diagnostics.error(
                rule.location, "a rule must have a name, which audit records and refusals show: name = \"...\"")
            return nil
        }
        guard let name = string(entry) else { return nil }
        let isPrintable = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
        guard (1...64).contains(name.unicodeScalars.count), isPrintable else {
            diagnostics.error(entry.node.location, "a name must have 1 to 64 characters, all of them printable")
            return nil
        }
        return Located(value: name, location: entry.node.location)
    }

    private static let operationNames: [(String, Operations)] = [
        ("get", .get), ("set", .set), ("usage", .usage), ("stats", .stats), ("lease_list", .leaseList),
    ]

    // nil if the rule lists no operations.
    private mutating func operations(of rule: Rule) -> Operations? {
        guard let entry = rule["operations"] else { return nil }
        let found = texts(entry, example: "[\"get\", \"usage\"]") { reader, word, location -> Operations? in
            let known = PolicyFileReader.operationNames
            if let (_, operation) = known.first(where: { $0.0 == word }) { return operation }
            let suggestion = suggestion(for: word, among: known.map(\.0))
            reader.diagnostics.error(location, "unknown operation \"\(word)\"; \(suggestion)")
            return nil
        }
        return Operations(found ?? [])
    }
}
