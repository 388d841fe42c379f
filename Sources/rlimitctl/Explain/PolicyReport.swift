import RlimitPolicy
import RlimitPolicyFile

/// The errors and warnings of policy files, and the number of rules.
struct PolicyReport {
    private let errors: [Diagnostic]
    private let warnings: [Diagnostic]
    /// "12 rules"; nil if the files have errors.
    private let summary: String?
    private let files: [String]

    init(_ files: PolicyFiles) {
        do throws(PolicyFileError) {
            let loaded = try files.load()
            errors = []
            warnings = loaded.warnings
            summary = loaded.policy.summary
            self.files = loaded.files
        } catch {
            errors = error.diagnostics
            warnings = []
            summary = nil
            self.files = [files.main]
        }
    }

    /// Whether the agent would reject the files.
    var hasErrors: Bool { !errors.isEmpty }

    /// A line for each error and warning, in the format of compilers, then a line with the files and the number of
    /// rules.
    var text: String {
        let lines = errors.map(\.description) + warnings.map(warning)
        guard let summary else { return lines.map { $0.forTerminal + "\n" }.joined() }
        let read = files.isEmpty ? "no policy file" : files.joined(separator: ", ")
        return (lines + ["\(read): \(summary)"]).map { $0.forTerminal + "\n" }.joined()
    }

    private func warning(_ diagnostic: Diagnostic) -> String {
        var diagnostic = diagnostic
        diagnostic.message = "warning: " + diagnostic.message
        return diagnostic.description
    }

    var json: JSON {
        let diagnostics = errors.map { json($0, "error") } + warnings.map { json($0, "warning") }
        return .object([
            ("ok", .bool(errors.isEmpty)), ("policy", .optional(summary)),
            ("files", .array(files.map(JSON.string))), ("diagnostics", .array(diagnostics)),
        ])
    }

    private func json(_ diagnostic: Diagnostic, _ severity: String) -> JSON {
        .object([
            ("severity", .string(severity)), ("file", .string(diagnostic.file)),
            ("line", .integer(diagnostic.line)), ("column", .integer(diagnostic.column)),
            ("message", .string(diagnostic.message)),
        ])
    }
}
