import Foundation
import RlimitModel

/// A connection that asks for leases and tells what came of it.
final class LeaseClient {
    let connection: RawConnection
    private var lastID: UInt64 = 0

    init(_ connection: RawConnection) { self.connection = connection }

    convenience init(to agent: AgentProcess) throws { self.init(try RawConnection(to: agent.socket)) }

    /// A limit that is lent: at least this much.
    func requestLease(
        _ resource: Resource = .openFiles, soft: Limit.Bound?, hard: Limit.Bound? = nil, of pid: pid_t,
        _ term: LeaseTerm
    ) throws -> LeaseInfo {
        let edit = NumericEdit(resource, soft: soft, hard: hard, mode: .atLeast)
        guard case .changes(_, let lease?) = try ask(.set(.pid(pid), EditBatch([edit]), lease: term)) else {
            throw ChildProcess.Failure(description: "changes without a lease")
        }
        return lease
    }

    /// For good.
    func setPermanently(_ resource: Resource = .openFiles, soft: Limit.Bound, of pid: pid_t) throws {
        _ = try ask(.set(.pid(pid), EditBatch([NumericEdit(resource, soft: soft, mode: .atLeast)]), lease: nil))
    }

    func renew(_ id: LeaseInfo.ID, _ term: LeaseTerm) throws -> LeaseInfo {
        guard case .lease(let lease) = try ask(.leaseRenew(id, term)) else {
            throw ChildProcess.Failure(description: "no lease")
        }
        return lease
    }

    @discardableResult
    func release(_ id: LeaseInfo.ID) throws -> [Restoration] {
        guard case .restorations(let restorations) = try ask(.leaseRelease(id)) else {
            throw ChildProcess.Failure(description: "no restorations")
        }
        return restorations
    }

    func list() throws -> [LeaseInfo] {
        guard case .leases(let leases) = try ask(.leaseList) else { throw ChildProcess.Failure(description: "no list") }
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

extension Policies {
    /// Root, which the tests are, may lend these limits to the processes of the served user.
    static func leases(_ rest: String = "") -> String {
        """
        version = 1
        [quota]
        requests_per_second = 100000
        [[allow]]
        name = "lent"
        caller.users = [0]
        target = { relation = "any", users = ["\(Account.served.uid)-\(Account.served.uid)"] }
        operations = ["get", "set", "lease_list"]
        limits = { nofile = 65536, core = "1G", memlock = "1G", nproc = 100000, sigpending = 100000, msgqueue = "1M" }
        \(rest)
        """
    }
}
