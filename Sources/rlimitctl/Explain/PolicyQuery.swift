import Glibc
import RlimitKernel
import RlimitModel
import RlimitPolicy

/// What a policy would say to a user, worked out here: nobody has to be that user, or to run an agent.
///
/// The user is taken to call from outside of containers, and from no cgroup that is known: rules that allow by cgroup
/// or unit grant it nothing.
struct PolicyQuery {
    let policy: Policy
    private let peer: Peer
    private let subject: TargetSnapshot
    private let detail: ProcessDetail
    private let target: Request.Target

    /// About a process of that user's own, whose limits are 0: all that is granted is granted by rules.
    init(_ policy: Policy, from user: PolicyUser) {
        self.policy = policy.onThisSystem
        // Any number that is neither pid 1 nor the agent's; this process is one.
        peer = user.peer(pid: getpid())
        let identity = ProcessCredentials(pid: getpid(), credentials: Credentials(uid: user.uid, gid: user.gid))
        subject = TargetSnapshot(
            identity: identity, isPeer: true, now: Limits(repeating: Limit(0)), isHypothetical: true)
        detail = ProcessDetail(isKernelThread: false, capabilities: 0)
        target = .caller
    }

    /// About a running process.
    init(_ policy: Policy, from user: PolicyUser, about subject: TargetSnapshot, _ detail: ProcessDetail) {
        self.policy = policy.onThisSystem
        peer = user.peer(pid: getpid())
        self.subject = subject
        self.detail = detail
        target = .pid(subject.identity.pid)
    }

    /// The most that the user may have of each resource.
    func explainAll() -> Explanation { evaluate(.get(target, .all)) }

    /// What would come of edits.
    func explain(_ edits: [Edit]) throws -> Explanation {
        let allowed = edits.contains(where: \.dependsOnMax) ? explainAll().verdicts : []
        var batch = EditBatch()
        for edit in edits {
            let now = subject.now[edit.resource]
            if edit.needsHardLimit && subject.isHypothetical {
                throw UsageError("\"hard\" is the hard limit that a process has now, so say which: --pid")
            }
            let maxHard = allowed.first { $0.resource == edit.resource }?.most?.hard
            batch.append(edit.numeric(now: now, most: maxHard ?? now.hard))
        }
        return evaluate(.set(target, batch, lease: nil))
    }

    private func evaluate(_ operation: Request.Operation) -> Explanation {
        let request = Request(id: 0, isExplain: true, operation)
        return policy.explain(request, from: peer, on: subject) { () throws(Never) in detail }
    }
}

extension Edit {
    // Whether one of its values is the hard limit there is.
    fileprivate var needsHardLimit: Bool {
        switch values {
        case .single(let value): value == .hard
        case .halves(let soft, let hard): soft == .hard || hard == .hard
        }
    }
}

extension Policy {
    // The kernel here takes no more than this, whatever the rules say.
    fileprivate var onThisSystem: Policy {
        var policy = self
        if let ceiling = SystemInfo.openFilesCeiling() { policy.openFilesCeiling = Limit.Bound(ceiling) }
        return policy
    }
}
