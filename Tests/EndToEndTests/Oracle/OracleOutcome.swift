import RlimitModel

/// What came of a question: allowed with what was told, or refused; and all limits of the target after it.
struct OracleOutcome {
    /// nil where it was allowed.
    var errno: Int32?
    /// What the limits were, of each resource that was asked about.
    var old: [Resource: Limit] = [:]
    var before: [Limit]?
    var after: [Limit]?

    var isAllowed: Bool { errno == nil }
}

/// The rule that kernel and agent are held to.
struct OracleRule {
    /// Whether an agent that refuses what the kernel allows is at fault in every case; the real rule asks that only where
    /// `mustAgree` says so. For a test of the rule itself.
    var isStrict = false

    /// What is wrong with the agent's answer; nil where nothing is.
    func violation(of testCase: OracleCase, kernel: OracleOutcome, agent: OracleOutcome) -> String? {
        switch (kernel.isAllowed, agent.isAllowed) {
        case (false, true):
            return "the kernel refuses it (errno \(kernel.errno ?? 0)), and the agent allows it"
        case (true, false) where isStrict || testCase.mustAgree:
            return "the kernel allows it, and the agent refuses it (errno \(agent.errno ?? 0))"
        case (false, false) where testCase.mustAgree && !testCase.isImpossible && kernel.errno != agent.errno:
            return "the kernel's errno is \(kernel.errno ?? 0), the agent's is \(agent.errno ?? 0)"
        case (true, true) where kernel.old != agent.old:
            return "the kernel tells \(kernel.old), and the agent \(agent.old)"
        case (true, true) where kernel.after != agent.after:
            return "the kernel leaves \(difference(kernel.after, agent.after)) of the agent"
        case (_, false) where agent.after != agent.before:
            return "refused, and yet changed: \(difference(agent.before, agent.after))"
        case (_, false) where ![1, 3, 9, 11, 22].contains(agent.errno):
            return "errno \(agent.errno ?? 0) is none of a refusal's"
        default: return nil
        }
    }

    private func difference(_ left: [Limit]?, _ right: [Limit]?) -> String {
        guard let left, let right else { return "\(left == nil ? "nobody" : "somebody") instead" }
        return zip(Resource.allCases, zip(left, right)).filter { $1.0 != $1.1 }
            .map { "\($0) \($1.0) instead of \($1.1)" }.joined(separator: ", ")
    }
}

extension OracleCase {
    /// Whether agent and kernel are to give the same answer: a caller of one identity, a living process, and a read or a
    /// soft limit that goes up, at most to the hard limit there is. The agent is stricter in the rest: with callers of mixed
    /// ids, with zombies, in lowering; without a rule it takes no pidfds; and it does not know the owner of a user namespace,
    /// to whom the kernel gives every process in there.
    var mustAgree: Bool {
        guard caller.areSimple, target.isLive, naming != .pidfd else { return false }
        if target == .inUserNamespace && targetIDs != caller { return false }
        return edits.allSatisfy { edit in
            // Amounts compare as the numbers do that they stand for.
            let new = edit.applied
            return new.hard == edit.start.hard && new.soft >= edit.start.soft
        }
    }
}

extension OracleCase {
    /// Nobody could grant it, whoever the target is: the agent says so before it looks, the kernel only after.
    var isImpossible: Bool { edits.contains { edit in edit.hard.map { (edit.soft ?? $0) > $0 } ?? false } }
}

extension OracleCase.EditAmounts {
    /// What the limits are to become. Written down a second time, apart from what is under test.
    var applied: Amounts {
        switch mode {
        case .atLeast: Amounts(soft: max(soft ?? .one, start.soft), hard: max(hard ?? .one, start.hard))
        // As much as one gets without privilege.
        case .clamp: Amounts(soft: max(start.soft, min(soft ?? start.soft, start.hard)), hard: start.hard)
        default: Amounts(soft: soft ?? start.soft, hard: hard ?? start.hard)
        }
    }
}
