import ArgumentParser
import RlimitClient
import RlimitPolicyFile

/// `rlimitctl explain`: shows what the policy allows, or what it decides about edits, and by which rule.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what the policy allows, and which rule decides.",
        discussion: """
            Without edits, shows the maximum that you are allowed for each resource, and the rule that allows it. With \
            edits, shows what "set" would do with them and why; the exit status is 77 if it would refuse one.

            With --as-user, rlimitctl evaluates the policy files itself and does not ask the agent. It must be able to \
            read them, and it assumes a caller outside of containers. Without --pid, it assumes a process of that user \
            with all limits 0.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    // Parsed only to be rejected with a message that names --pid.
    @OptionGroup(visibility: .hidden) var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Option(
        help: ArgumentHelp("Explain for this user, by name or number, as the caller.", valueName: "user"))
    var asUser: String?

    @Option(
        help: ArgumentHelp(
            "With --as-user: the policy file. The folder policy.d beside it is read too.",
            discussion: "Default: \(PolicyLoader.standardMain) and its drop-ins.", valueName: "file"),
        completion: .file(extensions: ["toml"]))
    var policy: String?

    @Argument(
        help: ArgumentHelp("An edit to explain. Default: show all resources.", valueName: "resource=value"),
        completion: .list(Resource.allCases.map { "\($0.name)=" }))
    var edits: [String] = []

    func validate() throws {
        if policy != nil && asUser == nil { throw ValidationError("--policy needs --as-user.") }
        try cgroup.requireNone("explain")
    }

    func run() throws {
        let edits = try EditArguments.parse(edits)
        if let asUser {
            try explain(edits, asUser: asUser)
        } else {
            try explainForCaller(edits)
        }
    }

    private func explainForCaller(_ edits: [Edit]) throws {
        let selected = try SelectedProcess(process)
        let client = global.client(agentOnly: agent.only)
        var text = ExplanationText(process: selected.label)
        var rule: SuggestedRule?
        if edits.isEmpty {
            text.explanation = try client.explain(of: selected.target)
        } else {
            text.explanation = try client.performDryRun(edits, on: selected)
            if let error = text.explanation.refusal {
                rule = Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).rule
            }
        }
        try report(text, selected.label.members, rule)
    }

    private func explain(_ edits: [Edit], asUser name: String) throws {
        let user = try PolicyUser(named: name)
        let policy = try PolicyFiles(policy).policy()
        var query = PolicyQuery(policy, from: user)
        var text = ExplanationText()
        var members: [(String, JSON)] = [("user", .string(user.name))]
        if process.pid != nil {
            let selected = try SelectedProcess(process), client = global.client()
            query = PolicyQuery(policy, from: user, about: try selected.snapshot(client), try selected.detail())
            text.process = selected.label
            members += selected.label.members
        }
        text.explanation = edits.isEmpty ? query.explainAll() : try query.explain(edits)
        try report(text, members, nil)
    }

    private func report(_ text: ExplanationText, _ members: [(String, JSON)], _ rule: SuggestedRule?) throws {
        let explanation = text.explanation
        if global.json {
            let answer: [(String, JSON)] = [
                ("isAllowed", .bool(explanation.isAllowed)),
                ("verdicts", .array(explanation.verdicts.map(JSON.verdict))),
                ("refusal", explanation.refusal.map(JSON.error) ?? .null),
                ("allow", .optional(rule?.text)),
            ]
            try Output.print(.object(members + answer))
        } else {
            try Output.print(edits.isEmpty ? text.overview : text.decision)
            if let rule { try Output.print("\n" + rule.advice) }
        }
        if let refusal = explanation.refusal { throw ExitCode(refusal.code.exitStatus) }
    }
}
