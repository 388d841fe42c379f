import RlimitPolicy
import RlimitPolicyFile

/// The files that a policy is read from.
struct PolicyFiles {
    let main: String
    private let loader: PolicyLoader

    /// A file with its drop-ins, `policy.d` beside it, as the agent reads them; where none is named, the agent's own. A
    /// file that is a drop-in itself is read alone.
    init(_ file: String?, isStrict: Bool = false) {
        main = file ?? PolicyLoader.standardMain
        if let file {
            // For the agent no file at all is a policy without rules; who names one means that it is there.
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

    /// The policy alone. What is wrong with the files is a failure of which the first fault is told.
    func policy() throws -> Policy {
        do throws(PolicyFileError) {
            return try load().policy
        } catch {
            throw Failure(error.diagnostics.first.map { "\($0)" } ?? "\(main) cannot be read")
        }
    }
}
