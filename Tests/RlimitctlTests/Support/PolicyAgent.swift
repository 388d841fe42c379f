import Glibc
import RlimitModel
import RlimitPolicy
import ScriptedAgents

/// An agent that evaluates a policy for a target with all limits 1000, and changes no limits.
enum PolicyAgent {
    static let now = Limit(1000)

    static func agent(_ policy: Policy = .baselineOnly) throws -> ScriptedAgent {
        try ScriptedAgent.answering(showsServerInfo: true) { request in evaluate(request, by: policy) }
    }

    static var caller: Peer { Peer(pid: getpid(), uid: getuid(), gid: getgid()) }

    private static func evaluate(_ request: Request, by policy: Policy) -> Result<Reply, RlimitError> {
        if case .serverInfo = request.operation { return .success(.serverInfo(info)) }
        if case .get = request.operation, !request.isExplain {
            return .success(.limits(.all, Limits(repeating: now)))
        }
        let identity = ProcessCredentials(pid: 4242, credentials: Credentials(uid: getuid(), gid: getgid()))
        let snapshot = TargetSnapshot(identity: identity, isPeer: false, now: Limits(repeating: now))
        let detail = ProcessDetail(isKernelThread: false, capabilities: 0)
        let explanation = policy.explain(request, from: caller, on: snapshot) { () throws(Never) in detail }
        if request.isExplain { return .success(.explanation(explanation)) }
        if let refusal = explanation.refusal { return .failure(refusal) }
        let changes = explanation.verdicts.map { verdict in
            Change(
                verdict.resource, old: now, new: verdict.new ?? now, grantedBy: .agent(rule: verdict.rule),
                shortfall: verdict.error, warnings: [.limitedByUserNamespace])
        }
        return .success(.changes(changes))
    }

    private static var info: AgentInfo {
        AgentInfo(
            version: "1.2.3", kernel: "6.1.0", features: ["pidfd-info"], openFilesCeiling: 1_048_576, canRaise: true,
            policy: "1 rule", caller: AgentInfo.Caller(caller))
    }
}
