/// One error or warning in a policy file, with its location and the correction.
package struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// The line, from 1; 0 if the diagnostic concerns the whole file.
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

/// All errors of the policy files.
package struct PolicyFileError: Error, CustomStringConvertible {
    package var diagnostics: [Diagnostic]

    package init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    /// One line per diagnostic.
    package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
