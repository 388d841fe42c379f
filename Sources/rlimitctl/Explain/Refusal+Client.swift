import Glibc
import RlimitClient
import RlimitKernel

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
