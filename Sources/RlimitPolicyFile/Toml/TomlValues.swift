// Strings, booleans, tables and lists, which all parts of the language share.

extension PolicyFileReader {
    mutating func string(_ entry: TomlEntry) -> String? {
        if case .string(let text) = entry.node.value { return text }
        diagnostics.wrongType(entry, expected: "a string: \(entry.key) = \"...\"")
        return nil
    }

    mutating func boolean(_ entry: TomlEntry) -> Bool? {
        if case .boolean(let value) = entry.node.value { return value }
        diagnostics.wrongType(entry, expected: "true or false")
        return nil
    }

    mutating func table(_ entry: TomlEntry, expected: String) -> [TomlEntry]? {
        if case .table(let entries) = entry.node.value {
            if entries.isEmpty {
                diagnostics.error(entry.node.location, "\(entry.key) is empty, but must be \(expected)")
            }
            return entries.isEmpty ? nil : entries
        }
        diagnostics.wrongType(entry, expected: expected)
        return nil
    }

    /// A list with at least one element.
    mutating func list(_ entry: TomlEntry, example: String) -> [TomlNode]? {
        guard case .array(let nodes) = entry.node.value else {
            diagnostics.wrongType(entry, expected: "a list: \(entry.key) = \(example)")
            return nil
        }
        if nodes.isEmpty {
            diagnostics.error(entry.node.location, "\(entry.key) is empty: list at least one value, or omit the key")
        }
        return nodes.isEmpty ? nil : nodes
    }

    /// The values that `make` creates from the strings of a list. `make` reports a string that it rejects and returns
    /// nil.
    mutating func texts<Value>(
        _ entry: TomlEntry, example: String, make: (inout PolicyFileReader, String, SourceLocation) -> Value?
    ) -> [Value]? {
        guard let nodes = list(entry, example: example) else { return nil }
        var values: [Value] = []
        for node in nodes {
            if case .string(let text) = node.value {
                if let value = make(&self, text, node.location) { values.append(value) }
            } else {
                diagnostics.error(
                    node.location,
                    "\(entry.key) is a list of strings, and this element is \(node.kind): write \(example)")
            }
        }
        return values
    }
}
