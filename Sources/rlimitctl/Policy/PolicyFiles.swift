import RlimitPolicy
import RlimitPolicyFile

/// The files that a policy is read from.
struct PolicyFiles {
    static let standardMain = "/etc/rlimitd/policy.toml"

    let main: String
    private let loader: PolicyLoader

    /// A file alone, or, where none is named, the agent's own with its drop-ins.
    init(_ file: String?) throws {
        main = file ?? Self.standardMain
        loader = file.map { PolicyLoader(main: $0, dropIns: []) } ?? PolicyLoader(main: Self.standardMain)
        // For the agent no file at all is a policy without rules; who names one means that it is there.
        if let file, !FileStatus.exists(file) { throw Failure("no policy file \"\(file)\"") }
    }

    func load() throws(PolicyFileError) -> LoadedPolicy { try loader.load() }

    /// The policy alone; what is wrong with the files is a failure in one sentence.
    func policy() throws -> Policy {
        do throws(PolicyFileError) {
            return try load().policy
        } catch {
            throw Failure("\(error.diagnostics.first.map { "\($0)" } ?? "the policy cannot be read")")
        }
    }
}
