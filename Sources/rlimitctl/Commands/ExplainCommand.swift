import ArgumentParser
import RlimitClient
import RlimitPolicyFile

/// `rlimitctl explain`: what one may have and by which rule, or what would come of an edit and why.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what policy allows, and which rule decides.",
        discussion: """
            Without edits: the most that you may have of each resource, and by which rule. With edits: what would \
            come of them by "set"; the exit status is 77 if they would be refused.

            --as-user works the answer out from the policy files, which it must be able to read, for callers outside \
            of containers; the agent is not asked. Without --pid it is about a process of that user's own whose \
            limits are 0.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var process: ProcessOptions
    // Only to be refused in words that help.
    @OptionGroup(visibility: .hidden) var cgroup: CgroupOptions
    @OptionGroup var agent: AgentOption

    @Option(help: ArgumentHelp("As if this user asked.", valueName: "user"))
    var asUser: String?

    @Option(
        help: ArgumentHelp(
            "With --as-user: the policy file, to which policy.d beside it belongs.",
            discussion: "Else \(PolicyLoader.standardMain) and its drop-ins.", valueName: "file"),
        completion: .file(extensions: ["toml"]))
    var policy: String?

    @Argument(
        help: ArgumentHelp("What to explain.", valueName: "resource=value"),
        completion: .list(Resource.allCases.map { "\($0.name)=" }))
    var edits: [String] = []

    func validate() throws {
        if policy != nil && asUser == nil { throw ValidationError("--policy goes with --as-user.") }
        try cgroup.requireNone("explain")
    }

    func run() throws {
        let edits = try EditArguments.parse(edits)
        if let asUser {
            try explain(edits, asUser: asUser)
        } else {
            try explainToCaller(edits)
        }
    }

    private func explainToCaller(_ edits: [Edit]) throws {
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
        try report(text, selected.members, rule)
    }

    private func explain(_ edits: [Edit], asUser name: String) throws {
        let user = try PolicyUser(named: name)
        let policy = try PolicyFiles(policy).policy()
        var query = PolicyQuery(policy, from: user)
        var text = ExplanationText(caller: user.name)
        var members: [(String, JSON)] = [("user", .string(user.name))]
        if process.pid != nil {
            let selected = try SelectedProcess(process), client = global.client()
            query = PolicyQuery(policy, from: user, about: try selected.subject(client), try selected.detail())
            text.process = selected.label
            members += selected.members
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
