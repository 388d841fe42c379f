import RlimitPolicy

// The settings that are not rules: quotas, the audit, protected processes, and roots of pods.

extension PolicyFileReader {
    mutating func quota(_ entry: TomlEntry) -> [Located<QuotaSetting>] {
        guard let entries = table(entry, expected: "a table: [quota] and its keys below") else { return [] }
        diagnostics.unknownKeys(of: entries, in: "quota", known: QuotaSetting.Key.allCases.map(\.rawValue))
        var settings: [Located<QuotaSetting>] = []
        for entry in entries {
            guard let key = QuotaSetting.Key(rawValue: entry.key) else { continue }
            guard case .integer(let number) = entry.node.value, (1...1_000_000).contains(number) else {
                diagnostics.error(entry.node.location, "\(key.rawValue) must be a whole number from 1 to 1000000")
                continue
            }
            settings.append(Located(value: QuotaSetting(key: key, value: Int(number)), location: entry.keyLocation))
        }
        return settings
    }

    mutating func audit(_ entry: TomlEntry) -> Located<AuditSettings.OnFull>? {
        guard let entries = table(entry, expected: "a table: [audit] and its keys below") else { return nil }
        diagnostics.unknownKeys(of: entries, in: "audit", known: ["on_full"])
        guard let entry = entries.first(where: { $0.key == "on_full" }) else { return nil }
        let words = AuditSettings.OnFull.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
        guard case .string(let text) = entry.node.value, let onFull = AuditSettings.OnFull(rawValue: text) else {
            diagnostics.error(entry.node.location, "on_full must be \(words)")
            return nil
        }
        return Located(value: onFull, location: entry.keyLocation)
    }

    mutating func protection(_ entry: TomlEntry) -> ProtectionSettings {
        var parts = ProtectionSettings()
        guard let entries = table(entry, expected: "a table of users, cgroups and units") else { return parts }
        diagnostics.unknownKeys(of: entries, in: "protected", known: ["users", "cgroups", "units"])
        for entry in entries {
            switch entry.key {
            case "users": parts.users = users(entry, unknown: .error) ?? IDSet()
            case "cgroups": parts.cgroups = cgroups(entry) ?? []
            case "units": parts.units = units(entry) ?? []
            default: break
            }
        }
        return parts
    }

    mutating func podRoots(_ entry: TomlEntry) -> [String] {
        let roots = texts(entry, example: "[\"/kubepods.slice\"]") { reader, text, location -> String? in
            let isPath = (try? CgroupPattern(text)) != nil && !text.contains("*")
            if isPath, text != "/user.slice", !text.hasPrefix("/user.slice/") { return text }
            reader.diagnostics.error(
                location,
                "\"\(text)\" is not a root of pods: write a path as \"/kubepods.slice\", without *, and outside /user.slice, "
                    + "where users create cgroups themselves")
            return nil
        }
        return roots ?? []
    }
}
