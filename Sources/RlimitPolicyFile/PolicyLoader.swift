package import RlimitPolicy

/// Reads the administrator's policy: the main file, then the drop-ins.
package struct PolicyLoader: Sendable {
    package static let standardMain = "/etc/rlimitd/policy.toml"
    package static let standardDropIns = ["/etc/rlimitd/policy.d", "/usr/lib/rlimitd/policy.d"]

    package var main: String
    /// Whether the main file must exist. A policy can consist of drop-ins only.
    package var mainIsRequired: Bool
    /// Whether the main file has the form of a drop-in, in which the version is optional.
    package var mainIsDropIn: Bool
    /// Directories of drop-ins. A file masks files with the same name in later directories.
    package var dropIns: [String]
    package var accounts: AccountLookup
    /// Whether warnings are errors.
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

    /// - Throws: All errors of all files. Without any policy file, the result is the baseline.
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

    /// Loads a policy from one text, as if it were the main file or a drop-in with that name.
    package func load(text: String, named file: String, isMain: Bool = true) throws(PolicyFileError) -> LoadedPolicy {
        var builder = PolicyBuilder()
        builder.add(PolicyFileReader.read(Array(text.utf8), file: file, isMain: isMain, accounts: accounts))
        return try finish(builder, files: [file])
    }

    private func finish(_ builder: PolicyBuilder, files: [String]) throws(PolicyFileError) -> LoadedPolicy {
        let (subordinates, faults) = SubordinateIDFile.read(accounts)
        let warnings = builder.warnings + faults
        let errors = builder.errors + (isStrict ? warnings : [])
        guard errors.isEmpty else { throw PolicyFileError(diagnostics: errors) }
        return LoadedPolicy(policy: builder.policy(subordinates), warnings: warnings, files: files)
    }
}

/// A policy that was loaded without an error.
package struct LoadedPolicy: Sendable {
    package var policy: Policy
    /// Parts of the files that are probably mistakes but grant nothing.
    package var warnings: [Diagnostic]
    /// The policy files, in the order in which they were read.
    package var files: [String]

    package init(policy: Policy, warnings: [Diagnostic] = [], files: [String] = []) {
        self.policy = policy
        self.warnings = warnings
        self.files = files
    }
}
