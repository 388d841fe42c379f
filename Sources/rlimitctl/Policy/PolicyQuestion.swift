import Glibc
import RlimitKernel
import RlimitModel
import RlimitPolicy

/// What a policy would say to a user, worked out here: nobody has to be that user, or to run an agent.
///
/// The user is taken to call from outside of containers, and from no cgroup that is known: rules that allow by cgroup
/// or unit grant it nothing.
struct PolicyQuestion {
    let policy: Policy
    private let peer: Peer
    private let subject: Subject
    private let detail: ProcessDetail
    private let whom: Request.Whom

    /// About a process of that user's own, whose limits are 0: all that is granted is granted by rules.
    init(_ policy: Policy, from user: PolicyUser) {
        self.policy = policy.onThisSystem
        // Any number that is neither pid 1 nor the agent's; this process is one.
        peer = user.peer(pid: getpid())
        let identity = Identity(pid: getpid(), credentials: Credentials(uid: user.uid, gid: user.gid))
        subject = Subject(identity: identity, isPeer: true, now: Limits(repeating: Limit(0)), isSupposed: true)
        detail = ProcessDetail(isKernelThread: false, capabilities: 0)
        whom = .caller
    }

    /// About a running process.
    init(_ policy: Policy, from user: PolicyUser, about subject: Subject, _ detail: ProcessDetail) {
        self.policy = policy.onThisSystem
        peer = user.peer(pid: getpid())
        self.subject = subject
        self.detail = detail
        whom = .pid(subject.identity.pid)
    }

    /// The most that the user may have of each resource.
    func survey() -> Explanation { ask(.get(whom, .all)) }

    /// What would come of edits.
    func explain(_ edits: [Edit]) throws -> Explanation {
        let most = edits.contains(where: \.dependsOnMost) ? survey().verdicts : []
        var batch = EditBatch()
        for edit in edits {
            let now = subject.now[edit.resource]
            if edit.needsHardLimit && subject.isSupposed {
                throw UsageError("\"hard\" is the hard limit that a process has now, so say which: --pid")
            }
            let greatest = most.first { $0.resource == edit.resource }?.most?.hard
            batch.append(edit.numeric(now: now, most: greatest ?? now.hard))
        }
        return ask(.set(whom, batch, lease: nil))
    }

    private func ask(_ operation: Request.Operation) -> Explanation {
        let request = Request(id: 0, isQuestion: true, operation)
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
        if let ceiling = SystemFacts.openFilesCeiling() { policy.openFilesCeiling = Limit.Bound(ceiling) }
        return policy
    }
}
