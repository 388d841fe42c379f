import RlimitModel

/// The result of a case: allowed or refused, the limits in the response, and the target's limits before and after.
struct OracleOutcome {
    /// The error; nil if the operation was allowed.
    var errno: Int32?
    /// The previous limits of each resource in the response.
    var old: [Resource: Limit] = [:]
    var before: [Limit]?
    var after: [Limit]?

    var isAllowed: Bool { errno == nil }
}

/// The relation that must hold between the outcomes of kernel and agent.
struct OracleRule {
    /// Whether a refusal of what the kernel allows is a violation in every case. The actual rule requires agreement
    /// only for cases with `mustAgree`. True only in a test of the rule itself.
    var isStrict = false

    /// The violation in the agent's outcome; nil if there is none.
    func violation(of testCase: OracleCase, kernel: OracleOutcome, agent: OracleOutcome) -> String? {
        switch (kernel.isAllowed, agent.isAllowed) {
        case (false, true):
            return "the kernel refuses it (errno \(kernel.errno ?? 0)), and the agent allows it"
        case (true, false) where isStrict || testCase.mustAgree:
            return "the kernel allows it, and the agent refuses it (errno \(agent.errno ?? 0))"
        case (false, false) where testCase.mustAgree && !testCase.isImpossible && kernel.errno != agent.errno:
            return "the kernel's errno is \(kernel.errno ?? 0), the agent's is \(agent.errno ?? 0)"
        case (true, true) where kernel.old != agent.old:
            return "the kernel returns \(kernel.old), and the agent \(agent.old)"
        case (true, true) where kernel.after != agent.after:
            return
                "the limits after the kernel's and the agent's change differ: \(difference(kernel.after, agent.after))"
        case (_, false) where agent.after != agent.before:
            return "refused, but changed: \(difference(agent.before, agent.after))"
        case (_, false) where ![1, 3, 9, 11, 22].contains(agent.errno):
            return "errno \(agent.errno ?? 0) is not that of a refusal"
        default: return nil
        }
    }

    private func difference(_ left: [Limit]?, _ right: [Limit]?) -> String {
        guard let left, let right else { return "\(left == nil ? "no process" : "a process") on the left only" }
        return zip(Resource.allCases, zip(left, right)).filter { $1.0 != $1.1 }
            .map { "\($0) \($1.0) instead of \($1.1)" }.joined(separator: ", ")
    }
}

extension OracleCase {
    /// Whether agent and kernel must agree: on a caller with equal ids, a living process, and a read or a raise of the
    /// soft limit up to the existing hard limit. In all other cases the agent may be stricter. It refuses callers with
    /// mixed ids, zombies and lowering. Without a rule it takes no pidfds. It does not recognize the owner of a user
    /// namespace, to whom the kernel gives every process in the namespace.
    var mustAgree: Bool {
        guard caller.areSimple, target.isLive, naming != .pidfd else { return false }
        if target == .inUserNamespace && targetIDs != caller { return false }
        return edits.allSatisfy { edit in
            // Amounts have the same order as their numbers.
            let new = edit.applied
            return new.hard == edit.start.hard && new.soft >= edit.start.soft
        }
    }
}

extension OracleCase {
    /// Whether no agent could grant it for any target. The agent reports this before it looks up the target, the kernel
    /// only after.
    var isImpossible: Bool { edits.contains { edit in edit.hard.map { (edit.soft ?? $0) > $0 } ?? false } }
}

extension OracleCase.EditAmounts {
    /// The limits after the edit, computed without the code under test.
    var applied: Amounts {
        switch mode {
        case .atLeast: Amounts(soft: max(soft ?? .one, start.soft), hard: max(hard ?? .one, start.hard))
        // The clamp without privilege: at most the hard limit.
        case .clamp: Amounts(soft: max(start.soft, min(soft ?? start.soft, start.hard)), hard: start.hard)
        default: Amounts(soft: soft ?? start.soft, hard: hard ?? start.hard)
        }
    }
}
