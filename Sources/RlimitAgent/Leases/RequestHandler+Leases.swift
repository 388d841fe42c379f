package import RlimitKernel
package import RlimitModel
import RlimitPolicy

// The three operations on leases.

extension RequestHandler {
    /// What those get who name a lease that is not theirs, or no more: which of the two is nobody's business.
    private static let ended = RlimitError(
        .leaseEnded, message: "there is no such lease of the caller's, or it has ended")

    /// The leases that a caller may see.
    package mutating func leases(_ request: Request, for asker: LeaseAsker) throws(RlimitError) -> Reply {
        guard case .leaseList(let ofEveryone) = try policy.authorize(request, from: asker.peer).get().deed else {
            throw RlimitError(.internalError)
        }
        let now = clock()
        let found = ofEveryone ? leases.book.live : leases.book.live(of: asker)
        var teller = LeaseTeller(asker.peer)
        return .leases(found.map { teller.info(of: $0, at: now) })
    }

    /// The process of the lease that a request names.
    ///
    /// - Throws: `.leaseEnded` where there is none.
    package func leasedProcess(of request: Request) throws(RlimitError) -> ProcessBirth {
        guard let lease = request.operation.leaseID.flatMap({ leases.book[$0] }), !lease.isOver, lease.term != .forGood
        else { throw Self.ended }
        return lease.process
    }

    /// Renews or releases a lease.
    ///
    /// - Parameter process: That of the lease.
    package mutating func handle(
        _ request: Request, from asker: LeaseAsker, on process: borrowing some TargetProcess & ~Copyable, isPeer: Bool
    ) throws(RlimitError) -> Reply {
        guard let id = request.operation.leaseID, let lease = leases.book[id] else { throw Self.ended }
        guard !process.isKnownToHaveEnded else {
            _ = processEnded(lease.process, until: .now + .microseconds(200))
            throw Self.ended
        }
        guard let subject = try subject(process, isPeer: isPeer) else { throw Self.ended }
        if !asker.owns(lease), try !mayManage(lease, asker.peer, on: process, subject) { throw Self.ended }
        do throws(RlimitError) {
            switch try policy.authorize(request, from: asker.peer).get().deed {
            case .leaseRenew:
                guard case .leaseRenew(_, let term) = request.operation else { break }
                return try renew(lease, term, by: asker, on: process, subject)
            case .leaseRelease: return .restorations(takeBack(id, on: process, by: asker.peer))
            default: break
            }
        } catch {
            refused(error, request, to: asker.peer, target: process.pid)
            throw error
        }
        throw RlimitError(.internalError, message: "\(request.name) is nothing that is done with a lease")
    }

    // nil: it has ended.
    private func subject(
        _ process: borrowing some TargetProcess & ~Copyable, isPeer: Bool
    ) throws(RlimitError) -> Subject? {
        guard let identity = try process.identity(), identity.pid == process.pid else { return nil }
        return Subject(
            identity: identity, isPeer: isPeer, isAgent: identity.pid == facts.pid,
            now: Limits(repeating: Limit(.infinity)))
    }

    private func mayManage(
        _ lease: Lease, _ peer: Peer, on process: borrowing some TargetProcess & ~Copyable, _ subject: Subject
    ) throws(RlimitError) -> Bool {
        try policy.letsManageLeases(peer, on: subject, of: lease.parts.map(\.resource)) {
            (parts: ProcessDetail.Parts) throws(RlimitError) in
            try process.detail(parts)
        }
    }

    // From now on it lasts as it is asked now, also where it lasted otherwise before: so long, or as long as this connection.
    private mutating func renew(
        _ lease: Lease, _ term: LeaseTerm, by asker: LeaseAsker,
        on process: borrowing some TargetProcess & ~Copyable, _ subject: Subject
    ) throws(RlimitError) -> Reply {
        let now = clock()
        let longest = try policy.longestRenewal(
            of: lent(lease, process), to: term, by: asker.peer, isHolder: asker.owns(lease), on: subject
        ) { (parts: ProcessDetail.Parts) throws(RlimitError) in
            try process.detail(parts)
        }
        var renewed = lease
        renewed.endsAt = term.end(from: now, longest: longest)
        renewed.term = term == .connection ? .connection : .duration
        renewed.session = term == .connection ? asker.session : nil
        if term == .connection { renewed.holder = asker.holder }
        renewed.cause = .expired
        try leases.write(renewed)
        leases.book.renew(renewed)
        audit.renewed(renewed, at: now, by: asker.peer)
        return .lease(asker.info(of: renewed, at: now))
    }

    private func lent(
        _ lease: Lease, _ process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> [LentLimit] {
        var lent: [LentLimit] = []
        for part in lease.parts {
            guard let rule = part.rule else { continue }
            let now = try process.read(part.resource)
            let lasting = leases.book.holdings.lasting(part.resource, of: lease.process, now: now)
            let hard = part.hold.hard.flatMap { $0 > lasting.hard ? $0 : nil }
            lent.append(LentLimit(part.resource, rule: rule, hard: hard))
        }
        return lent
    }
}

extension LeaseAsker {
    func info(of lease: Lease, at now: Moment) -> LeaseInfo {
        var teller = LeaseTeller(peer)
        return teller.info(of: lease, at: now)
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
