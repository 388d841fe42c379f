import RlimitModel
import RlimitWire
import ScriptedAgents

@testable import RlimitClient

/// The replies of a scripted agent that sees the same limit everywhere.
enum SampleReplies {
    static let limit = Limit(soft: 77, hard: 99)
    static let limits = Limits(repeating: limit)

    static func read(_ request: Request) -> Reply { .limits(.all, limits) }

    /// Grants every edit; replies to other requests with limits.
    static func change(_ request: Request) -> Reply {
        guard case .set(_, let batch, _) = request.operation else { return read(request) }
        return .changes(
            batch.map { Change($0.resource, old: limit, new: $0.applied(to: limit), grantedBy: .agent(rule: "script")) }
        )
    }

    static func bytes(for request: Request) -> [UInt8] {
        ScriptedSession.bytes(of: Response(id: request.id, .success(read(request))))
    }
}
