import RlimitPolicy
import RlimitPolicyFile

/// The files of a policy.
struct PolicyFiles {
    let main: String
    private let loader: PolicyLoader

    /// A policy file with the folder `policy.d` beside it; for nil, the agent's own files. A file in a folder
    /// `policy.d` is read alone.
    init(_ file: String?, isStrict: Bool = false) {
        main = file ?? PolicyLoader.standardMain
        if let file {
            // Without its file the agent has a policy without rules. A file named by the user must exist.
            let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
            let isDropIn = folder.hasSuffix("/policy.d/") || folder == "policy.d/"
            loader = PolicyLoader(
                main: file, mainIsRequired: true, mainIsDropIn: isDropIn,
                dropIns: isDropIn ? [] : ["\(folder)policy.d"], isStrict: isStrict)
        } else {
            loader = PolicyLoader(isStrict: isStrict)
        }
    }

    func load() throws(PolicyFileError) -> LoadedPolicy { try loader.load() }

    /// The policy.
    ///
    /// - Throws: `Failure` with the first error of the files.
    func policy() throws -> Policy {
        do throws(PolicyFileError) {
            return try load().policy
        } catch {
            throw Failure(error.diagnostics.first.map { "\($0)" } ?? "\(main) cannot be read")
        }
    }
}
