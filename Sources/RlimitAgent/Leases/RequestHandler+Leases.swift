package import RlimitKernel
package import RlimitModel
import RlimitPolicy

// The three operations on leases.

extension RequestHandler {
    /// What those get who name a lease that is not theirs, or no more: which of the two is nobody's business.
    private static let ended = RlimitError(
        .leaseEnded, message: "there is no such lease of the caller's, or it has ended")

    /// The leases that a caller may see.
    package mutating func leases(_ request: Request, for requester: LeaseRequester) throws(RlimitError) -> Reply {
        guard case .leaseList(let ofEveryone) = try policy.authorize(request, from: requester.peer).get().operation
        else {
            throw RlimitError(.internalError)
        }
        let now = clock()
        let found = ofEveryone ? leases.table.live : leases.table.live(of: requester)
        var builder = LeaseInfoBuilder(requester.peer)
        return .leases(found.map { builder.info(of: $0, at: now) })
    }

    /// The process of the lease that a request names.
    ///
    /// - Throws: `.leaseEnded` where there is none.
    package func leasedProcess(of request: Request) throws(RlimitError) -> ProcessIdentity {
        guard let lease = request.operation.leaseID.flatMap({ leases.table[$0] }), !lease.hasEnded,
            lease.term != .permanent
        else { throw Self.ended }
        return lease.process
    }

    /// Renews or releases a lease.
    ///
    /// - Parameter process: That of the lease.
    package mutating func handle(
        _ request: Request, from requester: LeaseRequester, on process: borrowing some TargetProcess & ~Copyable,
        isPeer: Bool
    ) throws(RlimitError) -> Reply {
        guard let id = request.operation.leaseID, let lease = leases.table[id] else { throw Self.ended }
        guard !process.isKnownToHaveEnded else {
            _ = processEnded(lease.process, until: .now + .microseconds(200))
            throw Self.ended
        }
        guard let snapshot = try snapshot(process, isPeer: isPeer) else { throw Self.ended }
        if !requester.owns(lease), try !mayManage(lease, requester.peer, on: process, snapshot) { throw Self.ended }
        do throws(RlimitError) {
            switch try policy.authorize(request, from: requester.peer).get().operation {
            case .leaseRenew:
                guard case .leaseRenew(_, let term) = request.operation else { break }
                return try renew(lease, term, by: requester, on: process, snapshot)
            case .leaseRelease: return .restorations(restoreLimits(id, on: process, by: requester.peer))
            default: break
            }
        } catch {
            recordRefusal(error, request, to: requester.peer, target: process.pid)
            throw error
        }
        throw RlimitError(.internalError, message: "\(request.operationName) is nothing that is done with a lease")
    }

    // nil: it has ended.
    private func snapshot(
        _ process: borrowing some TargetProcess & ~Copyable, isPeer: Bool
    ) throws(RlimitError) -> TargetSnapshot? {
        guard let identity = try process.identity(), identity.pid == process.pid else { return nil }
        return TargetSnapshot(
            identity: identity, isPeer: isPeer, isAgent: identity.pid == facts.pid,
            now: Limits(repeating: Limit(.infinity)))
    }

    private func mayManage(
        _ lease: Lease, _ peer: Peer, on process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> Bool {
        try policy.mayManageLeases(peer, on: snapshot, of: lease.parts.map(\.resource)) {
            (parts: ProcessDetail.Parts) throws(RlimitError) in
            try process.detail(parts)
        }
    }

    // From now on it lasts as it is asked now, also where it lasted otherwise before: so long, or as long as this connection.
    private mutating func renew(
        _ lease: Lease, _ term: LeaseTerm, by requester: LeaseRequester,
        on process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> Reply {
        let now = clock()
        let maxDuration = try policy.maxRenewal(
            of: renewedLimits(lease, process), to: term, by: requester.peer, isHolder: requester.owns(lease),
            on: snapshot
        ) { (parts: ProcessDetail.Parts) throws(RlimitError) in
            try process.detail(parts)
        }
        var renewed = lease
        renewed.endsAt = term.expiry(from: now, maxDuration: maxDuration)
        renewed.term = term == .connection ? .connection : .duration
        renewed.session = term == .connection ? requester.session : nil
        if term == .connection { renewed.holder = requester.holder }
        renewed.cause = .expired
        try leases.write(renewed)
        leases.table.renew(renewed)
        audit.leaseRenewed(renewed, at: now, by: requester.peer)
        return .lease(requester.info(of: renewed, at: now))
    }

    private func renewedLimits(
        _ lease: Lease, _ process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> [RenewedLimit] {
        var renewedLimits: [RenewedLimit] = []
        for part in lease.parts {
            guard let rule = part.rule else { continue }
            let now = try process.read(part.resource)
            let withoutLeases = leases.table.leasedLimits.withoutLeases(part.resource, of: lease.process, now: now)
            let hard = part.bounds.hard.flatMap { $0 > withoutLeases.hard ? $0 : nil }
            renewedLimits.append(RenewedLimit(part.resource, rule: rule, hard: hard))
        }
        return renewedLimits
    }
}

extension LeaseRequester {
    func info(of lease: Lease, at now: BootInstant) -> LeaseInfo {
        var builder = LeaseInfoBuilder(peer)
        return builder.info(of: lease, at: now)
    }
}

extension Request.Operation {
    /// Which lease it names.
    fileprivate var leaseID: LeaseInfo.ID? {
        switch self {
        case .leaseRenew(let id, _), .leaseRelease(let id): id
        default: nil
        }
    }
}

extension TargetProcess where Self: ~Copyable {
    /// It has ended for sure; false also where nobody can tell.
    var isKnownToHaveEnded: Bool {
        do throws(RlimitError) { return try identity() == nil } catch { return false }
    }
}
