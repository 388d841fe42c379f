import RlimitPolicy

// The `target` of a rule.

extension PolicyFileReader {
    private static let relations = TargetPattern.Relation.allCases.map(\.rawValue)

    mutating func target(_ entry: TomlEntry, default relation: TargetPattern.Relation?, unknown: UnknownName)
        -> TargetPattern?
    {
        if case .string(let word) = entry.node.value {
            return self.relation(word, entry.node.location).map { TargetPattern($0) }
        }
        guard let entries = table(entry, expected: "a relation as \"same-user\", or a table of relation and users")
        else {
            return nil
        }
        diagnostics.unknownKeys(of: entries, in: "target", known: ["relation", "users"])
        var target = relation.map { TargetPattern($0) }
        if let entry = entries.first(where: { $0.key == "relation" }) {
            target = string(entry).flatMap { self.relation($0, entry.node.location) }.map { TargetPattern($0) }
        } else if target == nil {
            diagnostics.error(
                entry.node.location,
                "target.users requires a relation: relation = \"any\" covers all processes of these users, "
                    + "\"same-user\" only the caller's own")
        }
        if let entry = entries.first(where: { $0.key == "users" }) { target?.users = users(entry, unknown: unknown) }
        return target
    }

    private mutating func relation(_ word: String, _ location: SourceLocation) -> TargetPattern.Relation? {
        if let relation = TargetPattern.Relation(rawValue: word) { return relation }
        diagnostics.error(
            location, "unknown relation \"\(word)\"; \(suggestion(for: word, among: PolicyFileReader.relations))")
        return nil
    }
}
