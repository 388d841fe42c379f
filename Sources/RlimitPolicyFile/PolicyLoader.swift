/// Reads the administrator's policy: the main file, then the drop-ins.
package struct PolicyLoader: Sendable {
    package static let standardMain = "/etc/rlimitd/policy.toml"
    package static let standardDropIns = ["/etc/rlimitd/policy.d", "/usr/lib/rlimitd/policy.d"]

    package var main: String
    /// Whether the main file must be there; a policy of drop-ins alone is one too.
    package var mainIsRequired: Bool
    /// Whether the main file is written as a drop-in is: a version is optional there.
    package var mainIsDropIn: Bool
    /// Folders of drop-ins; a file in an earlier one masks one of the same name in a later one.
    package var dropIns: [String]
    package var accounts: AccountLookup
    /// Warnings are errors.
    package var isStrict: Bool

    package init(
        main: String = standardMain, mainIsRequired: Bool = false, mainIsDropIn: Bool = false,
        dropIns: [String] = standardDropIns, accounts: AccountLookup = .system, isStrict: Bool = false
    ) {
        self.main = main
        self.mainIsRequired = mainIsRequired
        self.mainIsDropIn = mainIsDropIn
        self.dropIns = dropIns
        self.accounts = accounts
        self.isStrict = isStrict
    }

    /// - Throws: Every error of every file. No policy file at all is none: the baseline holds.
    package func load() throws(PolicyFileError) -> LoadedPolicy {
        var builder = PolicyBuilder()
        var files: [String] = []
        func read(_ path: String, isMain: Bool, isRequired: Bool = false, _ contents: Result<[UInt8]?, Diagnostic>) {
            switch contents {
            case .success(let text?):
                files.append(path)
                builder.add(PolicyFileReader.read(text, file: path, isMain: isMain, accounts: accounts))
            case .success(nil):
                if isRequired { builder.add(Diagnostic(file: path, message: "no such file")) }
            case .failure(let error):
                builder.add(error)
            }
        }
        read(main, isMain: !mainIsDropIn, isRequired: mainIsRequired, TrustedFile.read(path: main))
        for found in DropInDirectory.files(in: dropIns) {
            read(found.path, isMain: false, found.contents)
        }
        return try finish(builder, files: files)
    }

    /// A policy of one text, as if it were the main file or a drop-in of that name.
    package func load(text: String, named file: String, isMain: Bool = true) throws(PolicyFileError) -> LoadedPolicy {
        var builder = PolicyBuilder()
        builder.add(PolicyFileReader.read(Array(text.utf8), file: file, isMain: isMain, accounts: accounts))
        return try finish(builder, files: [file])
    }

    private func finish(_ builder: PolicyBuilder, files: [String]) throws(PolicyFileError) -> LoadedPolicy {
        let errors = builder.errors + (isStrict ? builder.warnings : [])
        guard errors.isEmpty else { throw PolicyFileError(diagnostics: errors) }
        return LoadedPolicy(policy: builder.policy, warnings: builder.warnings, files: files)
    }
}
