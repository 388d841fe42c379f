/// One thing that is wrong in a policy file, where it stands, and what would be right.
package struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// From 1; 0 where it is about the file as a whole.
    package var line: Int
    package var column: Int
    package var message: String

    package init(file: String, line: Int = 0, column: Int = 0, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }

    /// `/etc/rlimitd/policy.toml:12:1: message`
    package var description: String {
        line == 0 ? "\(file): \(message)" : "\(file):\(line):\(column): \(message)"
    }
}

/// Everything that is wrong with the policy files, not the first of it alone.
package struct PolicyFileError: Error, CustomStringConvertible {
    package var diagnostics: [Diagnostic]

    package init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    /// One line for each.
    package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
