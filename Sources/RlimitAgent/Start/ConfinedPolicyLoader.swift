import RlimitConfinement
import RlimitPolicyFile

/// Loads the policy. Another process looks up the names of users and groups.
struct ConfinedPolicyLoader: Sendable {
    private let loader: PolicyLoader
    private let accounts: AccountProcess

    init(_ loader: PolicyLoader, accounts: AccountProcess) {
        var loader = loader
        loader.accounts.userID = { accounts.user(named: $0)?.uid }
        loader.accounts.groupID = { accounts.group(named: $0) }
        self.loader = loader
        self.accounts = accounts
    }

    /// - Throws: All errors of all files, or the reason why a name was not looked up.
    func load() throws(PolicyFileError) -> LoadedPolicy {
        let result = Result { () throws(PolicyFileError) in try loader.load() }
        // A name that was not looked up is not an unknown name.
        if let failure = accounts.takeFailure() {
            throw PolicyFileError(diagnostics: [Diagnostic(file: loader.main, message: failure)])
        }
        return try result.get()
    }
}
