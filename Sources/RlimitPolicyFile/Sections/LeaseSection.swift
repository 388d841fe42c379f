import RlimitPolicy

// The `lease` of an allow rule.

extension PolicyFileReader {
    mutating func lease(_ entry: TomlEntry) -> LeaseTerms? {
        let example = "a table: lease = { max = \"1h\", required = true }"
        guard let entries = table(entry, expected: example) else { return nil }
        diagnostics.unknownKeys(of: entries, in: "lease", known: ["max", "required"])
        var terms = LeaseTerms()
        for entry in entries {
            switch entry.key {
            case "max": terms.maxDuration = duration(entry)
            case "required": terms.isRequired = boolean(entry) ?? false
            default: break
            }
        }
        return terms
    }

    private mutating func duration(_ entry: TomlEntry) -> Duration? {
        let example = "a time as \"30s\", \"10m\", \"1h\" or \"7d\""
        guard case .string(let text) = entry.node.value else {
            diagnostics.wrongType(entry, expected: example)
            return nil
        }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factor: Int64? = ["s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400][text.dropFirst(digits.count)]
        // The maximum is a hundred years.
        guard let factor, let number = Int64(digits), number > 0, number <= 36_525 * 86_400 / factor else {
            diagnostics.error(entry.node.location, "\"\(text)\" is not the duration of a lease; write \(example)")
            return nil
        }
        return .seconds(number * factor)
    }
}
