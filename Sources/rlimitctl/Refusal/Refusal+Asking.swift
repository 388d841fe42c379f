import RlimitClient
import RlimitKernel

extension Refusal {
    /// Asks for what the error does not say: the limits as they are, and who the caller is to the agent. What cannot be
    /// learned is left out; the error itself is never lost for it.
    init(
        _ error: RlimitError, of edits: [Edit], on target: Target, _ credentials: Credentials?,
        _ client: BlockingLimitClient
    ) {
        guard error.code == .deniedByPolicy else {
            self.init(error: error, wishes: [], caller: nil, callerName: nil, target: nil, targetName: nil)
            return
        }
        let limits = try? client.limits(of: target)
        let caller = try? client.agentInfo().caller
        self.init(
            error: error,
            wishes: limits.map { limits in edits.map { Wish($0, now: limits[$0.resource]) } } ?? [],
            caller: caller,
            callerName: caller.flatMap { Accounts.name(ofUser: $0.uid) },
            target: credentials,
            targetName: credentials.flatMap { Accounts.name(ofUser: $0.realUID) })
    }
}
