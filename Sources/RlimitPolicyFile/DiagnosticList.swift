import RlimitModel

/// What was found wrong in one file, and how it is said.
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

    /// A value of the wrong type: what it is, and how it is written.
    mutating func wrongType(_ entry: TomlEntry, expected: String) {
        error(entry.node.location, "\(entry.key) is \(entry.node.kind), and should be \(expected)")
    }

    /// Every key that is not one of `known`.
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

/// "did you mean "users"?", or all there are.
func suggestion(for word: String, among known: [String]) -> String {
    let distances = known.map { ($0, editDistance($0, word.lowercased())) }
    if let (nearest, distance) = distances.min(by: { $0.1 < $1.1 }),
        distance <= max(1, min(word.count, nearest.count) / 2)
    {
        return "did you mean \"\(nearest)\"?"
    }
    return "there are " + known.map { "\"\($0)\"" }.joined(separator: ", ")
}
