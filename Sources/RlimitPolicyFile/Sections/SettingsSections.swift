import RlimitPolicy

// What is not a rule: quotas, processes that are never changed, and where pods are.

/// One key of `[quota]` and its value.
struct QuotaSetting {
    var key: Key
    var value: Int

    enum Key: String, CaseIterable {
        case connections
        case requestsPerSecond = "requests_per_second"
        case leases
    }

    func apply(to quota: inout Quota) {
        switch key {
        case .connections: quota.connections = value
        case .requestsPerSecond: quota.requestsPerSecond = value
        case .leases: quota.leases = value
        }
    }
}

/// What one file adds to the processes that are never changed.
struct ProtectionSettings {
    var users = IDSet()
    var cgroups: [CgroupPattern] = []
    var units: [UnitPattern] = []
}

extension PolicyFileReader {
    mutating func quota(_ entry: TomlEntry) -> [Located<QuotaSetting>] {
        guard let entries = table(entry, expected: "a table: [quota] and its keys below") else { return [] }
        diagnostics.unknownKeys(of: entries, in: "quota", known: QuotaSetting.Key.allCases.map(\.rawValue))
        var settings: [Located<QuotaSetting>] = []
        for entry in entries {
            guard let key = QuotaSetting.Key(rawValue: entry.key) else { continue }
            guard case .integer(let number) = entry.node.value, (1...1_000_000).contains(number) else {
                diagnostics.error(entry.node.location, "\(key.rawValue) is a whole number from 1 to 1000000")
                continue
            }
            settings.append(Located(value: QuotaSetting(key: key, value: Int(number)), location: entry.keyLocation))
        }
        return settings
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
                "\"\(text)\" is no root of pods: a path as \"/kubepods.slice\", without *, and not in /user.slice, "
                    + "where users make cgroups of their own")
            return nil
        }
        return roots ?? []
    }
}
