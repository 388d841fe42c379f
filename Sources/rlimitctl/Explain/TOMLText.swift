import RlimitModel

/// Values in the syntax of the policy file.
enum TOMLText {
    /// A basic string of TOML.
    static func string(_ text: String) -> String {
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

    /// A ceiling with the unit that the policy language requires.
    static func ceiling(_ bound: Limit.Bound, of resource: Resource) -> String {
        guard let value = bound.value else { return "\"unlimited\"" }
        switch resource.unit {
        case .bytes: return scaled(value, [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)], "B")
        case .seconds: return "\"\(value)s\""
        case .microseconds: return scaled(value, [("s", 1_000_000), ("ms", 1000)], "us")
        case .niceLevel: return (1...40).contains(value) ? niceLevel(value) : number(value)
        case .count, .priority: return number(value)
        }
    }

    // The limit is 20 minus the nice level.
    private static func niceLevel(_ value: UInt64) -> String {
        value > 20 ? "\"-\(value - 20)\"" : "\"+\(20 - value)\""
    }

    private static func scaled(_ value: UInt64, _ scales: [(String, UInt64)], _ unit: String) -> String {
        for (name, factor) in scales where value >= factor && value.isMultiple(of: factor) {
            return "\"\(value / factor)\(name)\""
        }
        return "\"\(value)\(unit)\""
    }

    // The maximum integer in TOML is 2^63 - 1. The policy language also accepts larger numbers as strings.
    private static func number(_ value: UInt64) -> String { Int64(exactly: value).map(String.init) ?? "\"\(value)\"" }
}
