import RlimitModel

/// What is known of an edit that was refused: enough to say why, what would have been granted, and which rule would
/// grant it. A pure value.
struct Refusal {
    let error: RlimitError
    /// What was asked for, with the limits as they are; empty where they could not be read.
    let wishes: [Wish]
    /// The caller as the agent sees it, if it said so.
    let caller: AgentInfo.Caller?
    /// The name of that user here, if it has one.
    let callerName: String?
    /// The six ids of the process that was to be changed; nil where it is the caller, or they cannot be seen.
    let target: Credentials?
    let targetName: String?

    /// One edit of those that were asked for.
    struct Wish {
        let resource: Resource
        let now: Limit
        let wanted: Limit

        init(_ edit: Edit, now: Limit) {
            resource = edit.resource
            self.now = now
            wanted = edit.numeric(now: now, most: now.hard).applied(to: now)
        }

        // Moving soft below the hard limit there is needs no rule; neither does what changes nothing.
        fileprivate var needsRule: Bool { wanted.hard > now.hard || lowers }
        fileprivate var lowers: Bool { wanted.soft < now.soft || wanted.hard < now.hard }
    }

    /// The sentence, the lines below it, and the exit status.
    var failure: Failure {
        var failure = Failure(error)
        guard error.code == .deniedByPolicy else { return failure }
        if let allowed = error.allowed, let resource = error.resource {
            failure.message += "; the most you may have is \(resource.formatted(allowed))"
        }
        let rule = self.rule
        failure.members.append(("allow", .optional(rule?.text)))
        if let rule {
            failure.advice = rule.advice
        } else if let name = error.rule {
            failure.advice =
                "A rule that denies beats every rule that allows: nothing passes while \"\(name.forTerminal)\" stands.\n"
        }
        return failure
    }

    /// The rule that would grant all of it; nil where none could.
    var rule: GrantingRule? {
        // A rule that denies beats all that allow, and what is protected is never changed.
        guard error.code == .deniedByPolicy, error.rule == nil, let caller else { return nil }
        let refused = wishes.filter(\.needsRule)
        guard !refused.isEmpty else { return nil }
        // Names are looked up where the policy is: a container's own mean nothing there.
        let isHere = caller.namespaceDepth == 1
        guard isHere || caller.cgroup != nil else { return nil }
        return GrantingRule(
            user: isHere ? .init(caller.uid, named: callerName) : .number(caller.uid),
            cgroup: isHere ? nil : caller.cgroup,
            targetUser: foreignUser,
            ceilings: refused.map { ($0.resource, max($0.wanted.hard, $0.wanted.soft)) },
            lowers: refused.contains(where: \.lowers))
    }

    // Rules are for processes of the caller itself where they name no relation.
    private var foreignUser: GrantingRule.User? {
        guard let target, let caller, !target.are(uid: caller.uid, gid: caller.gid) else { return nil }
        return .init(target.realUID, named: targetName)
    }
}

extension GrantingRule.User {
    init(_ number: UInt32, named name: String?) { self = name.map(GrantingRule.User.name) ?? .number(number) }
}
