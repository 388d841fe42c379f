import RlimitModel

/// Builds the errors of refused requests. Each message is one sentence that names the caller, the operation, the target
/// and what would have been granted.
struct DenialMessages {
    let policy: Policy
    let peer: Peer
    let snapshot: TargetSnapshot

    private var caller: String { "uid \(peer.uid)" }

    private var target: String {
        snapshot.isPeer ? "itself" : "\(process) (uid \(snapshot.identity.credentials.effectiveUID))"
    }

    // A process id of the agent's PID namespace names another process in the caller's namespace.
    private var process: String { peer.sharesNamespace ? "pid \(snapshot.identity.pid)" : "that process" }

    private func denied(
        _ message: String, rule: String? = nil, resource: Resource? = nil, allowed: Limit.Bound? = nil
    ) -> RlimitError {
        RlimitError(
            .deniedByPolicy, message: message, resource: resource, rule: rule,
            allowed: allowed.flatMap { known($0, of: resource) })
    }

    // A hypothetical process has no current limits to report.
    private func known(_ maxHard: Limit.Bound, of resource: Resource?) -> Limit? {
        guard snapshot.isHypothetical, let resource, maxHard == snapshot.now[resource].hard else {
            return Limit(maxHard)
        }
        return nil
    }

    // MARK: The whole request

    /// For a caller with different real, effective and saved ids, or with unknown ones.
    static func mixedIDs(_ peer: Peer) -> RlimitError {
        RlimitError(.deniedByPolicy, message: reason(peer.unknownIDs) + ", and the agent answers it only server_info")
    }

    private static func reason(_ unknown: Peer.UnknownIDs?) -> String {
        switch unknown {
        case nil: "the caller's real, effective and saved ids differ: no rule applies to such a caller"
        case .outsidePIDNamespace:
            "the agent is in a PID namespace of its own and cannot see the caller, which is outside of it: no rule applies "
                + "to such a caller"
        case .hidden:
            "/proc hides the caller from the agent (hidepid), so its real, effective and saved ids are unknown: no rule "
                + "applies to such a caller"
        case .ended:
            "the process that connected ended before the agent could read its real, effective and saved ids: no rule "
                + "applies to such a caller"
        }
    }

    static let firstProcess = RlimitError(
        .deniedByPolicy, message: "no rule applies to process 1: the agent neither reads nor changes its limits")

    func neverChanged(_ reason: NeverChanged) -> RlimitError {
        switch reason {
        case .agent: denied("no rule can change the limits of the agent itself")
        case .firstProcess: Self.firstProcess
        case .kernelThread:
            denied("\(process) is a kernel thread, and no rule can change its limits")
        case .protected:
            denied(
                "the policy protects \(process): no rule can change its limits"
            )
        }
    }

    func reading(_ operation: Operations, deniedBy rule: String) -> RlimitError {
        denied(
            "rule \"\(rule)\" does not let \(caller) read \(what(operation)) of \(target)\(doubt(about: rule))",
            rule: rule)
    }

    func reading(_ operation: Operations, skippedForPrivilege rule: String?) -> RlimitError {
        denied("no rule lets \(caller) read \(what(operation)) of \(target)\(hint(skippedForPrivilege: rule))")
    }

    private func what(_ operation: Operations) -> String { operation == .usage ? "the usage" : "the limits" }

    static func noRule(for operation: String, _ peer: Peer) -> RlimitError {
        RlimitError(.deniedByPolicy, message: "no rule lets uid \(peer.uid) use the operation \"\(operation)\"")
    }

    static func noRuleForOthers(_ peer: Peer, _ operation: Request.Operation) -> RlimitError {
        var refusal = RlimitError(.deniedByPolicy)
        switch operation {
        case .set(_, let edits, _): (refusal.resource, refusal.editIndex) = (edits.first?.resource, 0)
        case .prlimit(_, let resource, .some): refusal.resource = resource
        default: break
        }
        let action = refusal.resource.map { "change \($0)" } ?? "read the limits or the usage"
        refusal.message =
            "no rule lets uid \(peer.uid) \(action) of any process but itself; \(remedy(peer))"
        return refusal
    }

    // Only rules with cgroups or units match callers in other PID namespaces. In the agent's own one, no rule is needed
    // to name a process by pid.
    private static func remedy(_ peer: Peer) -> String {
        guard !peer.sharesNamespace else { return "it may name all processes except process 1 by pid" }
        let cgroup = peer.cgroup.map { " = [\"\($0)\"]" } ?? ""
        return "an allow rule with caller.cgroups\(cgroup) and target = \"same-pod\" or \"same-cgroup\" would"
    }

    static func denied(operation: String, _ peer: Peer, by rule: DenyRule, _ policy: Policy) -> RlimitError {
        RlimitError(
            .deniedByPolicy,
            message: "rule \"\(rule.name)\" does not let uid \(peer.uid) use the operation \"\(operation)\""
                + doubt(about: rule, peer, policy),
            rule: rule.name)
    }

    // MARK: One edit

    /// For a caller that no rule or baseline lets see this limit: the message must not reveal its value.
    func noGrant(_ grants: ResourceGrants, _ resource: Resource, wanted: Limit.Bound? = nil) -> RlimitError {
        if let rule = grants.deniedBy { return deniedBy(resource, rule, maxHard: nil) }
        if let grant = grants.leaseOnlyGrant { return leaseNeeded(resource, grant, wanted: wanted, maxHard: nil) }
        let hint = hint(skippedForPrivilege: grants.skippedForPrivilege)
        return denied("no rule lets \(caller) change \(resource) of \(target)\(hint)", resource: resource)
    }

    func deniedBy(_ resource: Resource, _ rule: String, maxHard: Limit.Bound?) -> RlimitError {
        denied(
            "rule \"\(rule)\" refuses \(caller) any change of \(resource) of \(target)\(doubt(about: rule))",
            rule: rule,
            resource: resource, allowed: maxHard)
    }

    func raise(
        _ resource: Resource, to wanted: Limit.Bound, _ grants: ResourceGrants, now: Limit, maxHard: Limit.Bound
    ) -> RlimitError {
        if let rule = grants.deniedBy { return deniedBy(resource, rule, maxHard: maxHard) }
        let wantedText = resource.formatted(wanted)
        let maxHard = snapshot.isHypothetical && maxHard == now.hard ? nil : maxHard
        let maxText = maxHard.map { "; the most is \(resource.formatted($0))\(source(grants, now, $0))" } ?? ""
        if let bound = grants.denyCeiling, wanted > bound.maxHard {
            return denied(
                "rule \"\(bound.rule)\" refuses \(caller) \(resource) above \(resource.formatted(bound.maxHard)), and "
                    + "\(wantedText) was requested\(maxText)\(doubt(about: bound.rule))",
                rule: bound.rule, resource: resource, allowed: maxHard)
        }
        if let grant = grants.leaseOnlyGrant, grant.ceiling >= wanted {
            return leaseNeeded(resource, grant, wanted: wanted, maxHard: maxHard)
        }
        let hint = hint(skippedForPrivilege: nil)
        return denied(
            "no rule lets \(caller) raise \(resource) to \(wantedText)\(maxText)\(hint)", resource: resource,
            allowed: maxHard)
    }

    func lower(_ resource: Resource, _ now: Limit, _ new: Limit, _ maxHard: Limit.Bound) -> RlimitError {
        let half = new.hard < now.hard ? "hard" : "soft"
        let (from, to) = half == "hard" ? (now.hard, new.hard) : (now.soft, new.soft)
        return denied(
            "no rule lets \(caller) lower the \(half) limit of \(resource) from \(resource.formatted(from)) to "
                + "\(resource.formatted(to)) through the agent; a process can lower its own limits with setrlimit(2)",
            resource: resource, allowed: maxHard)
    }

    // Names the requested bound, or the ceiling of the rule if that is lower.
    private func leaseNeeded(
        _ resource: Resource, _ grant: ResourceGrants.Grant, wanted: Limit.Bound?, maxHard: Limit.Bound?
    ) -> RlimitError {
        let duration = grant.lease?.maxDuration.map { " of at most \($0.components.seconds) s" } ?? ""
        let bound = wanted.map { min($0, grant.ceiling) } ?? grant.ceiling
        return denied(
            "rule \"\(grant.rule)\" lets \(caller) raise \(resource) to \(resource.formatted(bound)), but only "
                + "with a lease\(duration)", rule: grant.rule, resource: resource, allowed: maxHard)
    }

    func noLease(_ grants: ResourceGrants, _ resource: Resource, maxHard: Limit.Bound) -> RlimitError {
        if let grant = grants.leaseOnlyGrant { return leaseNeeded(resource, grant, wanted: nil, maxHard: maxHard) }
        return denied(
            "the end of a lease lowers the limit, which requires a rule, and no rule lets \(caller) change \(resource) of \(target)",
            resource: resource, allowed: maxHard)
    }

    func notLeasable(_ resource: Resource) -> RlimitError {
        .notLeasable(resource)
    }

    func leaseLowers(_ resource: Resource, _ now: Limit, _ new: Limit) -> RlimitError {
        RlimitError(
            .invalidArgument,
            message:
                "a lease only raises limits: \(resource) is \(now), and \(new) would lower it; request at least \(now)",
            resource: resource)
    }

    func leasedByOthers(_ resource: Resource, _ rule: String, maxHard: Limit.Bound) -> RlimitError {
        denied(
            "rule \"\(rule)\" lets \(caller) lease \(resource) up to \(resource.formatted(maxHard)); the higher limit in "
                + "force comes from another lease",
            rule: rule, resource: resource, allowed: maxHard)
    }

    static func leaseTooLong(_ rule: String, _ maxDuration: Duration) -> RlimitError {
        RlimitError(
            .deniedByPolicy,
            message: "rule \"\(rule)\" lets a lease be renewed for at most \(maxDuration.components.seconds) s",
            rule: rule)
    }

    static func leaseOfNoRule(_ rule: String) -> RlimitError {
        RlimitError(
            .deniedByPolicy,
            message: "rule \"\(rule)\", which granted the lease, no longer grants it: the lease is not renewed",
            rule: rule)
    }

    static func leaseExceeds(_ limit: RenewedLimit, rule: String, maxHard: Limit.Bound?) -> RlimitError {
        let resource = limit.resource
        let what = maxHard.map { "now allows \(resource) up to \(resource.formatted($0))" } ?? "now refuses \(resource)"
        return RlimitError(
            .deniedByPolicy, message: "rule \"\(rule)\" \(what), and the lease holds more: the lease is not renewed",
            resource: resource, rule: rule, allowed: maxHard.map { Limit($0) })
    }

    /// What a lease would grant above the permanent maximum.
    func moreByLease(_ resource: Resource, _ grants: ResourceGrants, maxHard: Limit.Bound) -> RlimitError? {
        guard let grant = grants.leaseOnlyGrant, grant.ceiling > maxHard, grants.deniedBy == nil else { return nil }
        return leaseNeeded(resource, grant, wanted: nil, maxHard: maxHard)
    }

    func conflict(_ resource: Resource, now: Limit, expected: Limit) -> RlimitError {
        .conflict(resource, now: now, expected: expected)
    }

    func softExceedsHard(_ resource: Resource, _ limit: Limit) -> RlimitError {
        RlimitError(
            .softExceedsHard,
            message: "soft \(resource.formatted(limit.soft)) is above hard \(resource.formatted(limit.hard))",
            resource: resource)
    }

    func aboveSystemCeiling(
        _ resource: Resource, _ wanted: Limit.Bound, _ ceiling: Limit.Bound, maxHard: Limit.Bound
    ) -> RlimitError {
        RlimitError(
            .aboveSystemCeiling,
            message:
                "\(resource) \(resource.formatted(wanted)) is above fs.nr_open, which is \(ceiling) on this system",
            resource: resource, allowed: Limit(maxHard))
    }

    // MARK: Parts of sentences

    private func source(_ grants: ResourceGrants, _ now: Limit, _ maxHard: Limit.Bound) -> String {
        guard maxHard > now.hard, let grant = grants.raiseGrant else { return ", the present hard limit" }
        return " (rule \"\(grant.rule)\")"
    }

    // Why a deny rule applies to a caller that it may not name.
    private func doubt(about name: String) -> String {
        guard let rule = policy.denies.first(where: { $0.name == name }) else { return "" }
        return Self.doubt(about: rule, peer, policy)
    }

    private static func doubt(about rule: DenyRule, _ peer: Peer, _ policy: Policy) -> String {
        guard rule.caller.match(peer, policy.subordinates) == .perhaps else { return "" }
        if peer.isInChildUserNamespace {
            return "; the caller is in a user namespace, where it may lack ids of its user"
        }
        return peer.hasVerifiedGroups ? "" : "; the groups of the caller cannot be verified"
    }

    private func hint(skippedForPrivilege rule: String?) -> String {
        if let rule {
            return
                ": it has more privilege than the caller, and rule \"\(rule)\" does not name its user in target.users"
        }
        return peer.sharesNamespace ? "" : "; callers in a container are matched only by rules that name their cgroup"
    }
}
