import RlimitModel

/// What was found wrong in one file, and how it is said.
struct Findings {
    let file: String
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []

    init(file: String) { self.file = file }

    mutating func error(_ place: Place, _ message: String) {
        errors.append(diagnostic(place, message))
    }

    mutating func warning(_ place: Place, _ message: String) {
        warnings.append(diagnostic(place, message))
    }

    /// A value of the wrong type: what it is, and how it is written.
    mutating func wrongType(_ entry: TomlEntry, wanted: String) {
        error(entry.node.place, "\(entry.key) is \(entry.node.kind), and should be \(wanted)")
    }

    /// Every key that is not one of `known`.
    mutating func unknownKeys(of entries: [TomlEntry], in whole: String, known: [String]) {
        for entry in entries where !known.contains(entry.key) {
            error(entry.keyPlace, "unknown key \"\(entry.key)\" in \(whole); \(proposal(for: entry.key, among: known))")
        }
    }

    private func diagnostic(_ place: Place, _ message: String) -> Diagnostic {
        Diagnostic(file: file, line: place.line, column: place.column, message: message)
    }
}

/// "did you mean "users"?", or all there are.
func proposal(for word: String, among known: [String]) -> String {
    let distances = known.map { ($0, editDistance($0, word.lowercased())) }
    if let (nearest, distance) = distances.min(by: { $0.1 < $1.1 }),
        distance <= max(1, min(word.count, nearest.count) / 2)
    {
        return "did you mean \"\(nearest)\"?"
    }
    return "there are " + known.map { "\"\($0)\"" }.joined(separator: ", ")
}
