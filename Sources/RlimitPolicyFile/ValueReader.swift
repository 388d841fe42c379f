// Strings, lists and switches: the values that all parts of the language share.

extension PolicyFileReader {
    mutating func string(_ entry: TomlEntry) -> String? {
        if case .string(let text) = entry.node.value { return text }
        findings.wrongType(entry, wanted: "a string: \(entry.key) = \"...\"")
        return nil
    }

    mutating func boolean(_ entry: TomlEntry) -> Bool? {
        if case .boolean(let value) = entry.node.value { return value }
        findings.wrongType(entry, wanted: "true or false")
        return nil
    }

    mutating func table(_ entry: TomlEntry, wanted: String) -> [TomlEntry]? {
        if case .table(let entries) = entry.node.value {
            if entries.isEmpty { findings.error(entry.node.place, "\(entry.key) is empty, and should be \(wanted)") }
            return entries.isEmpty ? nil : entries
        }
        findings.wrongType(entry, wanted: wanted)
        return nil
    }

    /// A list that says something.
    mutating func list(_ entry: TomlEntry, example: String) -> [TomlNode]? {
        guard case .array(let nodes) = entry.node.value else {
            findings.wrongType(entry, wanted: "a list: \(entry.key) = \(example)")
            return nil
        }
        if nodes.isEmpty {
            findings.error(entry.node.place, "\(entry.key) is empty: write what it lists, or leave it out")
        }
        return nodes.isEmpty ? nil : nodes
    }

    /// The texts of a list, each made into a value; what `make` cannot use it has reported.
    mutating func texts<Value>(
        _ entry: TomlEntry, example: String, make: (inout PolicyFileReader, String, Place) -> Value?
    ) -> [Value]? {
        guard let nodes = list(entry, example: example) else { return nil }
        var values: [Value] = []
        for node in nodes {
            if case .string(let text) = node.value {
                if let value = make(&self, text, node.place) { values.append(value) }
            } else {
                findings.error(node.place, "\(entry.key) lists strings, and this is \(node.kind): \(example)")
            }
        }
        return values
    }
}
