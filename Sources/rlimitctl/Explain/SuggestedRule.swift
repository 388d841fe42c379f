import RlimitModel

/// The `[[allow]]` rule that would grant what was refused, in the language of the policy file, ready to paste.
struct SuggestedRule {
    /// The caller, as the agent sees it: its name where both would mean the same user, else its number.
    var user: User
    /// For a caller in a container: its cgroup, without which no rule matches it.
    var cgroup: String?
    /// Whose processes, where they are not simply the caller's own.
    var target: Target?
    /// For a rule that changes nothing: what it lets one do.
    var operation: String?
    /// The greatest hard limit of each resource.
    var ceilings: [(resource: Resource, bound: Limit.Bound)] = []
    /// Whether something was to be lowered, which rules do not give by themselves.
    var lowers = false

    /// A user of the policy language.
    enum User: Equatable {
        case name(String)
        case number(UInt32)

        init(_ number: UInt32, named name: String?) { self = name.map(User.name) ?? .number(number) }

        var word: String {
            switch self {
            case .name(let name): name
            case .number(let number): String(number)
            }
        }

        fileprivate var policyText: String {
            switch self {
            case .name(let name): TOMLText.string(name)
            case .number(let number): String(number)
            }
        }
    }

    /// The processes of one user.
    struct Target {
        var relation: String
        var user: User
    }

    /// The lines, each ended.
    var text: String {
        var lines = ["[[allow]]", "name = \(TOMLText.string(name))", "caller.users = [\(user.policyText)]"]
        if let cgroup { lines.append("caller.cgroups = [\(TOMLText.string(cgroup))]") }
        if let target {
            lines.append("target = { relation = \"\(target.relation)\", users = [\(target.user.policyText)] }")
        }
        if let operation { lines.append("operations = [\"\(operation)\"]") }
        if !ceilings.isEmpty {
            let limits = ceilings.map { "\($0.resource.name) = \(TOMLText.ceiling($0.bound, of: $0.resource))" }
            lines.append("limits = { \(limits.joined(separator: ", ")) }")
        }
        if lowers { lines.append("lower = true") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The same with a sentence before them.
    var advice: String {
        "With this rule in the agent's policy (/etc/rlimitd/policy.toml, then: systemctl reload rlimitd) it is granted:\n\n"
            + text
    }

    // Names of rules are unique, so this one says what may tell two such rules apart, in the 64 characters there are.
    private var name: String {
        let limits = ceilings.map { "\($0.resource.name) \($0.resource.formatted($0.bound))" }
        let whose = target.map { " of \($0.user.word)" } ?? ""
        let name = "\(user.word)\(whose): \(operation ?? limits.joined(separator: ", "))"
        return name.count <= 64 ? name : name.prefix(61) + "..."
    }
}
