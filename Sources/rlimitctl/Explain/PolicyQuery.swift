import Glibc
import RlimitKernel
import RlimitModel
import RlimitPolicy

/// Evaluates a policy for a user, without an agent and without being that user.
///
/// Assumes a caller outside of containers whose cgroup is unknown. Rules that allow by cgroup or unit do not match it.
struct PolicyQuery {
    let policy: Policy
    private let peer: Peer
    private let snapshot: TargetSnapshot
    private let detail: ProcessDetail
    private let target: Request.Target

    /// Queries about a hypothetical process of that user. Its limits are 0, so that everything granted comes from
    /// rules.
    init(_ policy: Policy, from user: PolicyUser) {
        self.policy = policy.onThisSystem
        // Any pid serves that is neither 1 nor the agent's.
        peer = user.peer(pid: getpid())
        let identity = ProcessCredentials(pid: getpid(), credentials: Credentials(uid: user.uid, gid: user.gid))
        snapshot = TargetSnapshot(
            identity: identity, isPeer: true, now: Limits(repeating: Limit(0)), isHypothetical: true)
        detail = ProcessDetail(isKernelThread: false, capabilities: 0)
        target = .caller
    }

    /// Queries about a running process.
    init(_ policy: Policy, from user: PolicyUser, about snapshot: TargetSnapshot, _ detail: ProcessDetail) {
        self.policy = policy.onThisSystem
        peer = user.peer(pid: getpid())
        self.snapshot = snapshot
        self.detail = detail
        target = .pid(snapshot.identity.pid)
    }

    /// The maximum that the user is allowed for each resource.
    func explainAll() -> Explanation { evaluate(.get(target, .all)) }

    /// The decision about edits.
    func explain(_ edits: [Edit]) throws -> Explanation {
        let allowed = edits.contains(where: \.dependsOnMax) ? explainAll().verdicts : []
        var batch = EditBatch()
        for edit in edits {
            let now = snapshot.now[edit.resource]
            if edit.needsHardLimit && snapshot.isHypothetical {
                throw UsageError("\"hard\" is the current hard limit of a process; select one with --pid")
            }
            let maxHard = allowed.first { $0.resource == edit.resource }?.most?.hard
            batch.append(edit.numeric(now: now, most: maxHard ?? now.hard))
        }
        return evaluate(.set(target, batch, lease: nil))
    }

    private func evaluate(_ operation: Request.Operation) -> Explanation {
        let request = Request(id: 0, isExplain: true, operation)
        return policy.explain(request, from: peer, on: snapshot) { () throws(Never) in detail }
    }
}

extension Edit {
    // Whether one of its values is "hard".
    fileprivate var needsHardLimit: Bool {
        switch values {
        case .single(let value): value == .hard
        case .halves(let soft, let hard): soft == .hard || hard == .hard
        }
    }
}

extension Policy {
    // The kernel refuses open files above fs.nr_open, whatever the rules allow.
    fileprivate var onThisSystem: Policy {
        var policy = self
        if let ceiling = SystemInfo.openFilesCeiling() { policy.openFilesCeiling = Limit.Bound(ceiling) }
        return policy
    }
}
