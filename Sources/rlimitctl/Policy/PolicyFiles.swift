import RlimitPolicy
import RlimitPolicyFile

/// The files that a policy is read from.
struct PolicyFiles {
    let main: String
    private let loader: PolicyLoader

    /// A file alone, or, where none is named, the agent's own with its drop-ins.
    init(_ file: String?, isStrict: Bool = false) {
        main = file ?? PolicyLoader.standardMain
        if let file {
            // For the agent no file at all is a policy without rules; who names one means that it is there.
            let isDropIn = file.split(separator: "/").dropLast().last == "policy.d"
            loader = PolicyLoader(
                main: file, mainIsRequired: true, mainIsDropIn: isDropIn, dropIns: [], isStrict: isStrict)
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
