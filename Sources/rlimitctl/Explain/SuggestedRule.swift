import RlimitModel

/// An `[[allow]]` rule that would grant a refused request, as text for the policy file.
struct SuggestedRule {
    /// The caller: its name if the agent resolves the name to the same user, else its number.
    var user: User
    /// The cgroup of a caller in a container. Only a rule with its cgroup matches it.
    var cgroup: String?
    /// The targets, if they are not just the caller's own processes.
    var target: Target?
    /// The operation of a rule that allows no edit: "get" or "usage".
    var operation: String?
    /// The maximum hard limit of each resource.
    var ceilings: [(resource: Resource, bound: Limit.Bound)] = []
    /// Whether the request lowers a limit. A rule allows that only with `lower = true`.
    var lowers = false

    /// A user in the policy language.
    enum User: Equatable {
        case name(String)
        case number(UInt32)

        init(_ number: UInt32, named name: String?) { self = name.map(User.name) ?? .number(number) }

        var text: String {
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

    /// The lines of the rule, each ended by a newline.
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

    /// The rule with a sentence before it.
    var advice: String {
        """
        To grant this, add the rule below to the agent's policy (/etc/rlimitd/policy.toml) and run "systemctl reload rlimitd":

        \(text)
        """
    }

    // The name of a rule must be unique and has at most 64 characters. This one contains what distinguishes such rules.
    private var name: String {
        let limits = ceilings.map { "\($0.resource.name) \($0.resource.formatted($0.bound))" }
        let whose = target.map { " of \($0.user.text)" } ?? ""
        let name = "\(user.text)\(whose): \(operation ?? limits.joined(separator: ", "))"
        return name.count <= 64 ? name : name.prefix(61) + "..."
    }
}
