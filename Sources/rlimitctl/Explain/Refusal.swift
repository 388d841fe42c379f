import Glibc
import RlimitClient
import RlimitKernel
import RlimitModel

/// What is known of a request that was refused: enough to say why, what would have been granted, and which rule would
/// grant it. A pure value.
struct Refusal {
    let error: RlimitError
    let request: Request
    /// The caller as the agent sees it, if it said so.
    var caller: AgentInfo.Caller?
    /// The name of that user here, if it has one.
    var callerName: String?
    /// The process that was spoken of; nil where it is the caller itself.
    var target: TargetInfo?
    /// Whether the agent was asked alone: else what a process may lower itself was not asked of it.
    var isAgentOnly = false

    /// What was refused.
    enum Request {
        /// Edits, with the limits as they are.
        case set([DryRunEdit])
        case get
        case usage
    }

    /// A process other than the caller.
    struct TargetInfo {
        var credentials: Credentials
        var userName: String?
        /// It has root's id, or a capability that the caller lacks: only rules that name its user reach it.
        var isPrivileged: Bool
    }

    /// The sentence, the lines below it, and the exit status.
    var failure: Failure {
        var failure = Failure(error)
        guard error.code == .deniedByPolicy else { return failure }
        if let maxText { failure.message += "; the most is \(maxText)" }
        let rule = self.rule
        failure.members.append(("allow", .optional(rule?.text)))
        failure.advice = rule?.advice ?? denyRuleAdvice ?? ""
        return failure
    }

    // Where the message does not say it, and more was wanted.
    private var maxText: String? {
        guard let allowed = error.allowed, let resource = error.resource, !error.message.contains("the most is") else {
            return nil
        }
        if case .set(let dryRunEdits) = request,
            dryRunEdits.contains(where: { $0.resource == resource && !$0.raisesHard })
        {
            return nil
        }
        return resource.formatted(allowed.hard)
    }

    // Rules are named that refuse, and also those that grant in another way than it was asked for.
    private var denyRuleAdvice: String? {
        guard let rule = error.rule else { return nil }
        if error.message.contains("but only with a lease") { return "Ask for it with --lease TIME.\n" }
        guard !error.message.hasPrefix("rule \"\(rule)\" lets ") else { return nil }
        return "No [[allow]] helps: a rule that denies beats every rule that allows, and "
            + "\"\(rule.forTerminal)\" denies.\n"
    }

    /// The rule that would grant all of it; nil where none could.
    var rule: SuggestedRule? {
        guard error.code == .deniedByPolicy, error.rule == nil, let caller, !caller.hasMixedIDs else { return nil }
        // Names are looked up where the policy is: a container's own mean nothing there.
        let isHere = caller.namespaceDepth == 1
        guard isHere || caller.cgroup != nil else { return nil }
        var rule = SuggestedRule(
            user: isHere ? .init(caller.uid, named: callerName) : .number(caller.uid),
            cgroup: isHere ? nil : caller.cgroup, target: targetPattern)
        switch request {
        case .get: rule.operation = "get"
        case .usage: rule.operation = "usage"
        case .set(let dryRunEdits):
            // A refusal that is about no edit is about the process, and no rule changes that.
            let refused = dryRunEdits.filter { isForeign ? $0.changes : $0.raisesHard || ($0.lowers && isAgentOnly) }
            guard error.editIndex != nil, !refused.isEmpty else { return nil }
            rule.ceilings = refused.map { ($0.resource, max($0.requested.hard, $0.requested.soft)) }
            rule.lowers = refused.contains(where: \.lowers) && (isForeign || isAgentOnly)
        }
        return rule
    }

    private var isForeign: Bool {
        guard let target, let caller else { return false }
        return !target.credentials.are(uid: caller.uid, gid: caller.gid)
    }

    // Rules are for processes of the caller itself where they name no relation, and never by themselves for the mighty.
    private var targetPattern: SuggestedRule.Target? {
        guard let target, isForeign || target.isPrivileged else { return nil }
        return .init(
            relation: isForeign ? "any" : "same-user", user: .init(target.credentials.realUID, named: target.userName))
    }
}

extension Refusal {
    /// Of edits that were refused. Asks for the limits as they are and for who the caller is to the agent; what cannot
    /// be learned is left out, and the error itself is never lost for it.
    init(
        _ error: RlimitError, of edits: [Edit], _ client: BlockingLimitClient, on target: Target,
        _ targetInfo: TargetInfo? = nil
    ) {
        guard error.code == .deniedByPolicy else {
            self.init(error: error, request: .set([]))
            return
        }
        let limits = try? client.with(strategy: .kernelFirst).limits(of: target)
        let dryRunEdits = limits.map { limits in edits.map { DryRunEdit($0, now: limits[$0.resource]) } } ?? []
        self.init(error, .set(dryRunEdits), client, targetInfo)
    }

    /// Of any request that was refused.
    init(_ error: RlimitError, _ request: Request, _ client: BlockingLimitClient, _ targetInfo: TargetInfo?) {
        self.init(error: error, request: request, target: targetInfo, isAgentOnly: client.strategy == .agentOnly)
        guard error.code == .deniedByPolicy else { return }
        caller = try? client.agentInfo().caller
        callerName = caller.flatMap { UserDatabase.userName($0.uid) }
    }
}

extension SelectedProcess {
    /// What a refusal must know of it.
    var targetInfo: Refusal.TargetInfo? {
        guard let credentials else { return nil }
        return Refusal.TargetInfo(
            credentials: credentials, userName: UserDatabase.userName(credentials.realUID), isPrivileged: isPrivileged)
    }

    private var isPrivileged: Bool {
        guard credentials?.includeRoot == false else { return true }
        let detail = try? Procfs.detail(of: pid), own = try? Procfs.detail(of: getpid())
        guard let detail, let own else { return false }
        return detail.capabilities & ~own.capabilities != 0
    }
}
