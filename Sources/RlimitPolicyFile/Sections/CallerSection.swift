import RlimitPolicy

// The `caller` of a rule.

extension PolicyFileReader {
    private static let keys = ["users", "groups", "cgroups", "units", "labels"]

    /// - Parameter unknown: How to report an unknown name. `except` inverts it.
    mutating func caller(of rule: Rule, unknown: UnknownName) -> CallerPattern? {
        guard let entry = rule["caller"] else {
            diagnostics.error(
                rule.location, "a rule must name its callers: caller.users = [...], or caller = \"everyone\"")
            return nil
        }
        if case .string(let word) = entry.node.value {
            if word == "everyone" { return .everyone }
            diagnostics.error(
                entry.node.location, "caller must be \"everyone\" or a table: caller.users = [\"\(word)\"]")
            return nil
        }
        let expected = "\"everyone\" or a table of \(PolicyFileReader.keys.joined(separator: ", ")) and except"
        guard let entries = table(entry, expected: expected) else { return nil }
        diagnostics.unknownKeys(of: entries, in: "caller", known: PolicyFileReader.keys + ["except"])
        var pattern = CallerPattern(callerKeys(entries, unknown: unknown))
        if let except = entries.first(where: { $0.key == "except" }),
            let entries = table(except, expected: "a table of \(PolicyFileReader.keys.joined(separator: ", "))")
        {
            diagnostics.unknownKeys(of: entries, in: "caller.except", known: PolicyFileReader.keys)
            pattern.except = callerKeys(entries, unknown: unknown == .warning ? .error : .warning)
        }
        return pattern
    }

    private mutating func callerKeys(_ entries: [TomlEntry], unknown: UnknownName) -> CallerKeys {
        var keys = CallerKeys()
        for entry in entries {
            switch entry.key {
            case "users": keys.users = users(entry, unknown: unknown)
            case "groups": keys.groups = groups(entry, unknown: unknown)
            case "cgroups": keys.cgroups = cgroups(entry)
            case "units": keys.units = units(entry)
            case "labels": keys.labels = labels(entry)
            default: break
            }
        }
        return keys
    }
}
