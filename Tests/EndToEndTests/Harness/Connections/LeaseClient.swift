import Foundation
import RlimitModel

/// A connection that requests, renews, releases and lists leases.
final class LeaseClient {
    let connection: RawConnection
    private var lastID: UInt64 = 0

    init(_ connection: RawConnection) { self.connection = connection }

    convenience init(to agent: AgentProcess) throws { self.init(try RawConnection(to: agent.socket)) }

    /// Requests a lease of a limit of at least this much.
    func requestLease(
        _ resource: Resource = .openFiles, soft: Limit.Bound?, hard: Limit.Bound? = nil, of pid: pid_t,
        _ term: LeaseTerm
    ) throws -> LeaseInfo {
        let edit = NumericEdit(resource, soft: soft, hard: hard, mode: .atLeast)
        guard case .changes(_, let lease?) = try ask(.set(.pid(pid), EditBatch([edit]), lease: term)) else {
            throw ChildProcess.Failure(description: "the response has no lease")
        }
        return lease
    }

    /// Raises a limit without a lease.
    func setPermanently(_ resource: Resource = .openFiles, soft: Limit.Bound, of pid: pid_t) throws {
        _ = try ask(.set(.pid(pid), EditBatch([NumericEdit(resource, soft: soft, mode: .atLeast)]), lease: nil))
    }

    func renew(_ id: LeaseInfo.ID, _ term: LeaseTerm) throws -> LeaseInfo {
        guard case .lease(let lease) = try ask(.leaseRenew(id, term)) else {
            throw ChildProcess.Failure(description: "the response is not a lease")
        }
        return lease
    }

    @discardableResult
    func release(_ id: LeaseInfo.ID) throws -> [Restoration] {
        guard case .restorations(let restorations) = try ask(.leaseRelease(id)) else {
            throw ChildProcess.Failure(description: "the response has no restorations")
        }
        return restorations
    }

    func list() throws -> [LeaseInfo] {
        guard case .leases(let leases) = try ask(.leaseList) else {
            throw ChildProcess.Failure(description: "the response is not a list of leases")
        }
        return leases
    }

    func ask(_ operation: Request.Operation) throws -> Reply {
        lastID += 1
        try connection.send(RequestBytes.frame(operation, id: lastID))
        guard let response = try connection.decodedResponse() else {
            throw ChildProcess.Failure(description: "the agent closed the connection")
        }
        return try response.outcome.get()
    }
}
