import ArgumentParser
import RlimitClient

/// `rlimitctl explain`: what one may have and by which rule, or what would come of an edit and why.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what policy allows, and which rule decides.",
        discussion: """
            Without edits: the most that you may have of each resource, and by which rule. With edits: what would \
            come of them; the exit status is 77 if they would be refused.

            --as-user works the answer out from the policy files, which it must be able to read, for callers outside \
            of containers; the agent is not asked. Without --pid it is about a process of that user's own whose \
            limits are 0.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions

    @Option(help: ArgumentHelp("As if this user asked.", valueName: "user"))
    var asUser: String?

    @Option(
        help: ArgumentHelp(
            "With --as-user: the policy file, without drop-ins.",
            discussion: "Else \(PolicyFiles.standardMain) and its drop-ins.", valueName: "file"),
        completion: .file(extensions: ["toml"]))
    var policy: String?

    @Argument(
        help: ArgumentHelp("What to explain.", valueName: "resource=value"),
        completion: .list(Resource.allCases.map { "\($0.name)=" }))
    var edits: [String] = []

    func validate() throws {
        if policy != nil && asUser == nil { throw ValidationError("--policy goes with --as-user.") }
    }

    func run() throws {
        let edits = try EditWords.parse(edits)
        if let asUser {
            let user = try UserOfPolicy(named: asUser)
            let policy = try PolicyFiles(policy).load()
            let subject = process.pid == nil ? nil : try ChosenProcess(process)
            ...
        }
        let chosen = try ChosenProcess(process)
    }
}
