import RlimitModel

/// The `[[allow]]` rule that would grant what was refused, in the language of the policy file, ready to paste.
struct GrantingRule {
    /// The caller, as the agent sees it: its name where both would mean the same user, else its number.
    var user: User
    /// For a caller in a container: its cgroup, without which no rule matches it.
    var cgroup: String?
    /// The user of the target, where that is not the caller itself.
    var targetUser: User?
    /// The greatest hard limit of each resource.
    var ceilings: [(resource: Resource, bound: Limit.Bound)]
    /// Whether something was to be lowered, which rules do not give by themselves.
    var lowers = false

    /// A user of the policy language.
    enum User: Equatable {
        case name(String)
        case number(UInt32)

        var word: String {
            switch self {
            case .name(let name): name
            case .number(let number): String(number)
            }
        }

        fileprivate var policyText: String {
            switch self {
            case .name(let name): tomlString(name)
            case .number(let number): String(number)
            }
        }
    }

    /// The lines, each ended.
    var text: String {
        var lines = ["[[allow]]", "name = \(tomlString(name))", "caller.users = [\(user.policyText)]"]
        if let cgroup { lines.append("caller.cgroups = [\(tomlString(cgroup))]") }
        if let targetUser {
            lines.append("target = { relation = \"any\", users = [\(targetUser.policyText)] }")
        }
        let limits = ceilings.map { "\($0.resource.name) = \($0.resource.policyText($0.bound))" }
        lines.append("limits = { \(limits.joined(separator: ", ")) }")
        if lowers { lines.append("lower = true") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The same with a sentence before them.
    var advice: String { "This rule in the agent's policy file would grant it:\n\n" + text }

    // Names of rules are unique, so this one says all that may tell two such rules apart.
    private var name: String {
        let limits = ceilings.map { "\($0.resource.name) \($0.resource.formatted($0.bound))" }.joined(separator: ", ")
        let whose = targetUser.map { " of \($0.word)" } ?? ""
        return "\(user.word): \(limits)\(whose)"
    }
}

extension Resource {
    /// A ceiling as the policy language writes it, with the unit that it demands.
    func policyText(_ bound: Limit.Bound) -> String {
        guard let value = bound.value else { return "\"unlimited\"" }
        switch unit {
        case .bytes: return "\"" + scaled(value, [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)], "B") + "\""
        case .seconds: return "\"\(value)s\""
        case .microseconds: return "\"" + scaled(value, [("s", 1_000_000), ("ms", 1000)], "us") + "\""
        case .niceLevel:
            guard (1...40).contains(value) else { return number(value) }
            return value > 20 ? "\"-\(value - 20)\"" : "\"+\(20 - value)\""
        case .count, .priority: return number(value)
        }
    }

    private func scaled(_ value: UInt64, _ scales: [(String, UInt64)], _ unit: String) -> String {
        for (name, factor) in scales where value >= factor && value.isMultiple(of: factor) {
            return "\(value / factor)\(name)"
        }
        return "\(value)\(unit)"
    }

    // An integer of TOML ends at 2^63 - 1; a string may be longer.
    private func number(_ value: UInt64) -> String { Int64(exactly: value).map(String.init) ?? "\"\(value)\"" }
}

/// A basic string of TOML.
private func tomlString(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
