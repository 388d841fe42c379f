import Foundation
import ScriptedAgents

@testable import RlimitClient

/// The two clients, for tests of behaviour that both share.
enum ClientKind: CaseIterable, Sendable {
    case threads, tasks

    func client(
        _ agent: ScriptedAgent, _ strategy: LimitClient.Strategy = .agentOnly, timeout: Duration? = .seconds(60)
    ) -> EitherClient {
        client(at: agent.socket, strategy, timeout: timeout)
    }

    func client(
        at socket: AgentSocket, _ strategy: LimitClient.Strategy = .agentOnly, timeout: Duration? = .seconds(60)
    ) -> EitherClient {
        switch self {
        case .threads: .threads(BlockingLimitClient(socket: socket, strategy: strategy, timeout: timeout))
        case .tasks: .tasks(LimitClient(socket: socket, strategy: strategy, timeout: timeout))
        }
    }
}

enum EitherClient: Sendable {
    case threads(BlockingLimitClient)
    case tasks(LimitClient)

    func with(timeout: Duration?) -> EitherClient {
        switch self {
        case .threads(let client): .threads(client.with(timeout: timeout))
        case .tasks(let client): .tasks(client.with(timeout: timeout))
        }
    }

    func close() async {
        switch self {
        case .threads(let client): try? await offThread { client.close() }
        case .tasks(let client): client.close()
        }
    }

    func limit(_ resource: Resource, of target: Target = .currentProcess) async throws -> Limit {
        switch self {
        case .threads(let client): try await offThread { try client.limit(resource, of: target) }
        case .tasks(let client): try await client.limit(resource, of: target)
        }
    }

    func limits(of target: Target = .currentProcess) async throws -> Limits {
        switch self {
        case .threads(let client): try await offThread { try client.limits(of: target) }
        case .tasks(let client): try await client.limits(of: target)
        }
    }

    func usage(of target: Target) async throws -> Usage {
        switch self {
        case .threads(let client): try await offThread { try client.usage(of: target) }
        case .tasks(let client): try await client.usage(of: target)
        }
    }

    func usage(ofThread thread: Int32, in target: Target) async throws -> Usage {
        switch self {
        case .threads(let client): try await offThread { try client.usage(ofThread: thread, in: target) }
        case .tasks(let client): try await client.usage(ofThread: thread, in: target)
        }
    }

    func apply(_ edits: [Edit], on target: Target = .currentProcess) async throws -> [Change] {
        switch self {
        case .threads(let client): try await offThread { try client.apply(edits, on: target) }
        case .tasks(let client): try await client.apply(edits, on: target)
        }
    }

    func apply(_ edit: Edit, on target: Target = .currentProcess) async throws -> Change {
        switch self {
        case .threads(let client): try await offThread { try client.apply(edit, on: target) }
        case .tasks(let client): try await client.apply(edit, on: target)
        }
    }

    func raise(_ resource: Resource, upTo bound: Limit.Bound) async throws -> Change {
        switch self {
        case .threads(let client): try await offThread { try client.raise(resource, upTo: bound) }
        case .tasks(let client): try await client.raise(resource, upTo: bound)
        }
    }

    func explain(_ edits: [Edit], on target: Target = .currentProcess) async throws -> Explanation {
        switch self {
        case .threads(let client): try await offThread { try client.explain(edits, on: target) }
        case .tasks(let client): try await client.explain(edits, on: target)
        }
    }

    func explain() async throws -> Explanation {
        switch self {
        case .threads(let client): try await offThread { try client.explain() }
        case .tasks(let client): try await client.explain()
        }
    }

    func agentInfo() async throws -> AgentInfo {
        switch self {
        case .threads(let client): try await offThread { try client.agentInfo() }
        case .tasks(let client): try await client.agentInfo()
        }
    }

    func statistics() async throws -> Statistics {
        switch self {
        case .threads(let client): try await offThread { try client.statistics() }
        case .tasks(let client): try await client.statistics()
        }
    }

    func leases() async throws -> [LeaseInfo] {
        switch self {
        case .threads(let client): try await offThread { try client.leases() }
        case .tasks(let client): try await client.leases()
        }
    }

    func renew(_ id: LeaseInfo.ID, for duration: Duration) async throws -> LeaseInfo {
        switch self {
        case .threads(let client): try await offThread { try client.renew(id, for: duration) }
        case .tasks(let client): try await client.renew(id, for: duration)
        }
    }

    func release(_ id: LeaseInfo.ID) async throws -> [Restoration] {
        switch self {
        case .threads(let client): try await offThread { try client.release(id) }
        case .tasks(let client): try await client.release(id)
        }
    }

    func limits(in cgroup: Cgroup) async throws -> PerProcess<Limits> {
        switch self {
        case .threads(let client): try await offThread { try client.limits(in: cgroup) }
        case .tasks(let client): try await client.limits(in: cgroup)
        }
    }

    func limit(_ resource: Resource, in cgroup: Cgroup) async throws -> PerProcess<Limit> {
        switch self {
        case .threads(let client): try await offThread { try client.limit(resource, in: cgroup) }
        case .tasks(let client): try await client.limit(resource, in: cgroup)
        }
    }

    func usage(in cgroup: Cgroup) async throws -> PerProcess<Usage> {
        switch self {
        case .threads(let client): try await offThread { try client.usage(in: cgroup) }
        case .tasks(let client): try await client.usage(in: cgroup)
        }
    }

    func apply(_ edit: Edit, in cgroup: Cgroup) async throws -> PerProcess<Change> {
        switch self {
        case .threads(let client): try await offThread { try client.apply(edit, in: cgroup) }
        case .tasks(let client): try await client.apply(edit, in: cgroup)
        }
    }
}

/// Runs a blocking body on a thread of its own.
func offThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// The code with which a call fails; nil if it does not fail.
func code(_ body: () async throws -> some Any) async -> RlimitError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? RlimitError)?.code
    }
}

/// The code with which a blocking call fails; nil if it does not fail.
func code(_ body: () throws -> some Any) -> RlimitError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? RlimitError)?.code
    }
}
