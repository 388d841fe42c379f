import RlimitModel
import ScriptedAgents

@testable import RlimitClient

extension ScriptedAgent {
    var socket: AgentSocket { AgentSocket(path: path) }

    /// A blocking client of this agent.
    func client(
        _ strategy: BlockingLimitClient.Strategy = .agentOnly, timeout: Duration? = .seconds(60)
    ) -> BlockingLimitClient {
        BlockingLimitClient(socket: socket, strategy: strategy, timeout: timeout)
    }

    /// The operations on leases that were requested, in order.
    var leaseRequests: [Request.Operation] {
        requests.map(\.request.operation).filter { operation in
            switch operation {
            case .set, .leaseRenew, .leaseRelease, .leaseList: true
            default: false
            }
        }
    }

    /// Waits until an operation on leases was requested `count` times. Returns false after a minute.
    func hasBeenAsked(_ operation: Request.Operation, times count: Int = 1) async -> Bool {
        for _ in 0..<30_000 {
            if leaseRequests.count(where: { $0 == operation }) >= count { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return false
    }
}
