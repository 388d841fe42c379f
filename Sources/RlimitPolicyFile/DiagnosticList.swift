import RlimitModel

/// Collects the errors and warnings of one file.
struct DiagnosticList {
    let file: String
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []

    init(file: String) { self.file = file }

    mutating func error(_ location: SourceLocation, _ message: String) {
        errors.append(diagnostic(location, message))
    }

    mutating func warning(_ location: SourceLocation, _ message: String) {
        warnings.append(diagnostic(location, message))
    }

    /// Reports a value of the wrong type.
    mutating func wrongType(_ entry: TomlEntry, expected: String) {
        error(entry.node.location, "\(entry.key) is \(entry.node.kind), but must be \(expected)")
    }

    /// Reports every key that is not one of `known`.
    mutating func unknownKeys(of entries: [TomlEntry], in whole: String, known: [String]) {
        for entry in entries where !known.contains(entry.key) {
            error(
                entry.keyLocation,
                "unknown key \"\(entry.key)\" in \(whole); \(suggestion(for: entry.key, among: known))")
        }
    }

    private func diagnostic(_ location: SourceLocation, _ message: String) -> Diagnostic {
        Diagnostic(file: file, line: location.line, column: location.column, message: message)
    }
}

/// Suggests the known word with the smallest edit distance, or lists all of them.
func suggestion(for word: String, among known: [String]) -> String {
    let distances = known.map { ($0, editDistance($0, word.lowercased())) }
    if let (nearest, distance) = distances.min(by: { $0.1 < $1.1 }),
        distance <= max(1, min(word.count, nearest.count) / 2)
    {
        return "did you mean \"\(nearest)\"?"
    }
    return "use one of " + known.map { "\"\($0)\"" }.joined(separator: ", ")
}
