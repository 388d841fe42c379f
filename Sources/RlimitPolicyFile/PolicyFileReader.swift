import RlimitPolicy

/// Reads one file into a `PolicyFragment`, and continues after an error to report all of them.
///
/// Each part of the language has an extension in Sections. A method that returns nil has reported the error.
struct PolicyFileReader {
    let accounts: AccountLookup
    var diagnostics: DiagnosticList

    static func read(_ text: [UInt8], file: String, isMain: Bool, accounts: AccountLookup) -> PolicyFragment {
        var reader = PolicyFileReader(accounts: accounts, diagnostics: DiagnosticList(file: file))
        var fragment = PolicyFragment(file: file)
        do {
            let root = try TomlNode.parse(text)
            reader.read(root, isMain: isMain, into: &fragment)
        } catch {
            reader.diagnostics.error(error.location, error.message)
        }
        fragment.diagnostics = reader.diagnostics
        return fragment
    }

    private mutating func read(_ root: TomlNode, isMain: Bool, into fragment: inout PolicyFragment) {
        guard case .table(let entries) = root.value else { return }
        diagnostics.unknownKeys(
            of: entries, in: "a policy",
            known: ["version", "quota", "audit", "protected", "pod_roots", "allow", "deny"])
        version(of: entries, isRequired: isMain)
        for entry in entries {
            switch entry.key {
            case "quota": fragment.quota = quota(entry)
            case "audit": fragment.onFull = audit(entry)
            case "protected": fragment.protection = protection(entry)
            case "pod_roots": fragment.podRoots = podRoots(entry)
            case "allow":
                for rule in rules(entry) { if let rule = allow(rule) { fragment.allows.append(rule) } }
            case "deny":
                for rule in rules(entry) { if let rule = deny(rule) { fragment.denies.append(rule) } }
            default: break
            }
        }
    }

    private mutating func version(of entries: [TomlEntry], isRequired: Bool) {
        guard let entry = entries.first(where: { $0.key == "version" }) else {
            if isRequired {
                diagnostics.error(
                    SourceLocation(line: 1, column: 1),
                    "a policy file must give the version of its language: version = 1")
            }
            return
        }
        if case .integer(1) = entry.node.value { return }
        diagnostics.error(
            entry.node.location, "unsupported version of the policy language; this agent reads version = 1")
    }

    // Returns the tables of [[allow]] or [[deny]].
    private mutating func rules(_ entry: TomlEntry) -> [Rule] {
        guard case .array(let nodes) = entry.node.value else {
            diagnostics.error(
                entry.keyLocation, "rules are a list of tables: write [[\(entry.key)]], with two brackets")
            return []
        }
        return nodes.compactMap { node in
            guard case .table(let entries) = node.value else {
                diagnostics.error(
                    node.location, "a rule is a table: [[\(entry.key)]] on a line of its own, its keys below")
                return nil
            }
            return Rule(entries: entries, location: node.location)
        }
    }

    /// The entries of a rule, before they are checked.
    struct Rule {
        var entries: [TomlEntry]
        var location: SourceLocation

        subscript(key: String) -> TomlEntry? { entries.first { $0.key == key } }
    }
}
