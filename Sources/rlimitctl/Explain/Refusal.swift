import Glibc
import RlimitClient
import RlimitKernel
import RlimitModel

/// A refused request, with the facts for a message: the reason, the maximum allowed, and a rule that would grant it.
struct Refusal {
    let error: RlimitError
    let request: Request
    /// The caller as the agent sees it; nil if the agent did not answer.
    var caller: AgentInfo.Caller?
    /// The name of the caller's user on this system, if it has one.
    var callerName: String?
    /// The target; nil if it is the caller itself.
    var target: TargetInfo?
    /// Whether every edit went to the agent. Otherwise the kernel did the lowering that it permits.
    var isAgentOnly = false

    /// The refused request.
    enum Request {
        /// Edits, with the current limits.
        case set([DryRunEdit])
        case get
        case usage
    }

    /// The facts about a target other than the caller.
    struct TargetInfo {
        var credentials: Credentials
        var userName: String?
        /// Whether it has an id of root or a capability that the caller lacks. Only a rule that names its user then
        /// applies.
        var isPrivileged: Bool
    }

    /// The message, the advice and the exit status.
    var failure: Failure {
        var failure = Failure(error)
        guard error.code == .deniedByPolicy else { return failure }
        if let maxText { failure.message += "; the most is \(maxText)" }
        let rule = self.rule
        failure.members.append(("allow", .optional(rule?.text)))
        failure.advice = rule?.advice ?? denyRuleAdvice ?? ""
        return failure
    }

    // The maximum, if more was requested and the agent's message does not state it.
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

    // The agent names a rule that denies, and also a rule that would grant the request in another way.
    private var denyRuleAdvice: String? {
        guard let rule = error.rule else { return nil }
        if error.message.contains("but only with a lease") { return "Request it with --lease TIME.\n" }
        guard !error.message.hasPrefix("rule \"\(rule)\" lets ") else { return nil }
        return "No [[allow]] rule can grant this: the [[deny]] rule \"\(rule.forTerminal)\" takes precedence.\n"
    }

    /// The rule that would grant the request; nil if no rule can.
    var rule: SuggestedRule? {
        guard error.code == .deniedByPolicy, error.rule == nil, let caller, !caller.hasMixedIDs else { return nil }
        // The agent resolves user names on its own system, so a container's user is named by number.
        let isHere = caller.namespaceDepth == 1
        guard isHere || caller.cgroup != nil else { return nil }
        var rule = SuggestedRule(
            user: isHere ? .init(caller.uid, named: callerName) : .number(caller.uid),
            cgroup: isHere ? nil : caller.cgroup, target: targetPattern)
        switch request {
        case .get: rule.operation = "get"
        case .usage: rule.operation = "usage"
        case .set(let dryRunEdits):
            // A refusal without an edit concerns the process, and no rule changes that.
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

    // A rule without a target applies to the caller's own processes, but not to privileged ones.
    private var targetPattern: SuggestedRule.Target? {
        guard let target, isForeign || target.isPrivileged else { return nil }
        return .init(
            relation: isForeign ? "any" : "same-user", user: .init(target.credentials.realUID, named: target.userName))
    }
}

extension Refusal {
    /// Creates the refusal of edits. Asks for the current limits and for the caller as the agent sees it. Ignores
    /// errors of these requests, so that `error` is reported.
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

    /// Creates the refusal of any request.
    init(_ error: RlimitError, _ request: Request, _ client: BlockingLimitClient, _ targetInfo: TargetInfo?) {
        self.init(error: error, request: request, target: targetInfo, isAgentOnly: client.strategy == .agentOnly)
        guard error.code == .deniedByPolicy else { return }
        caller = try? client.agentInfo().caller
        callerName = caller.flatMap { UserDatabase.userName($0.uid) }
    }
}

extension SelectedProcess {
    /// The facts about this process for a refusal; nil if its ids cannot be read.
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
