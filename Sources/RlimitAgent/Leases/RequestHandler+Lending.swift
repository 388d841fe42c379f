import RlimitKernel
import RlimitModel
import RlimitPolicy

// Grants: until an end, and for good where there are such until an end.

extension RequestHandler {
    /// Makes edits until an end: first the lease is written down, then the limits change. nil: overtaken.
    mutating func lend(
        _ edits: [AuthorizedEdit], until term: LeaseTerm, _ request: Request,
        to process: borrowing some TargetProcess & ~Copyable, _ subject: Subject, _ asker: LeaseAsker?
    ) throws(RlimitError) -> Reply? {
        guard let asker else { throw RlimitError(.unsupported, message: "there are no leases here") }
        let birth = try process.birth()
        if let error = leases.book.fullness(for: asker.tenant, quota: policy.quota.leases, process: birth) {
            throw error
        }
        let now = clock()
        let longest = edits.compactMap(\.longestLease).min()
        let lease = Lease(
            id: try Self.newID(), process: birth, credentials: subject.identity.credentials, holder: asker.holder,
            tenant: asker.tenant, term: term == .connection ? .connection : .duration,
            endsAt: term.end(from: now, longest: longest), grantedAt: now,
            parts: edits.map { part(of: $0, request, birth, now) },
            session: term == .connection ? asker.session : nil)
        try leases.write(lease)
        do throws(RlimitError) {
            guard try write(edits, request, to: process, subject) else {
                leases.erase(lease.id)
                return nil
            }
        } catch {
            failed(lease, error, process)
            throw error
        }
        leases.insert(lease)
        let changes = edits.map { change($0, on: process) }
        statistics.changes += UInt64(changes.count { $0.new != $0.old })
        for change in changes { audit.lent(change, lease, term, by: asker.peer) }
        return .changes(changes, lease: asker.info(of: lease, at: now))
    }

    // What was raised for a program that became another user's meanwhile stays raised as long as that runs.
    // Only what was raised: of what it was to be besides, others may hold what it is.
    private mutating func failed(
        _ lease: Lease, _ error: RlimitError, _ process: borrowing some TargetProcess & ~Copyable
    ) {
        var stray = lease
        stray.parts.removeAll { part in
            let now = try? process.read(part.resource)
            return now != part.new
        }
        guard error.code == .targetChanged, !stray.parts.isEmpty else { return leases.erase(lease.id) }
        leases.insert(stray)
        leases.book.end(lease.id, at: clock(), because: .refused)
    }

    private mutating func part(
        of edit: AuthorizedEdit, _ request: Request, _ process: ProcessBirth, _ now: Moment
    ) -> LeasePart {
        let holding = leases.book.holdings.joined(edit.resource, of: process, now: edit.old)
        let most = max(holding.lasting.hard, edit.reach ?? holding.lasting.hard)
        let asked = request.operation.edit(at: edit.index)
        let hold = LeaseHold(
            soft: asked?.soft.map { min($0, edit.new.soft, most) },
            hard: asked?.hard.map { min($0, edit.new.hard, most) })
        return LeasePart(
            resource: edit.resource, old: edit.old, new: edit.new, rule: edit.rule, hold: hold,
            generation: holding.generation, original: holding.original)
    }

    static func newID() throws(RlimitError) -> LeaseInfo.ID {
        do throws(SystemError) { return LeaseInfo.ID(bytes: try RandomBytes.sixteen()) } catch {
            throw RlimitError(.internalError, errno: error.number, message: "there is no name for a lease: \(error)")
        }
    }

    /// What the limits are without leases.
    func lasting(
        _ now: Limits, _ resources: ResourceSet, of process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> Limits? {
        guard leases.book.leasedProcess(numbered: process.pid) != nil else { return nil }
        let birth = try process.birth()
        var limits = now
        for resource in resources {
            limits[resource] = leases.book.holdings.lasting(resource, of: birth, now: now[resource])
        }
        return limits
    }

    /// Why there is no room for one lease more, or nil.
    func fullness(
        for asker: LeaseAsker?, _ process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> RlimitError? {
        guard let asker else { return nil }
        return leases.book.fullness(
            for: asker.tenant, quota: policy.quota.leases, process: try process.birth())
    }
}

// What is given for good of a limit that is leased stays when the leases end.
extension RequestHandler {
    /// Makes edits for good. False: overtaken.
    mutating func give(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ subject: Subject
    ) throws(RlimitError) -> Bool {
        guard leases.book.leasedProcess(numbered: process.pid) != nil else {
            return try write(edits, request, to: process, subject)
        }
        let birth = try process.birth()
        var kept: [(new: Lease, before: Lease?)] = []
        do throws(RlimitError) {
            for edit in edits {
                guard let lease = try lastingLease(edit, request, birth, subject) else { continue }
                try leases.write(lease)
                kept.append((lease, leases.book[lease.id]))
            }
            guard try write(edits, request, to: process, subject) else {
                undo(kept)
                return false
            }
        } catch {
            undo(kept)
            throw error
        }
        for (lease, before) in kept {
            // The one whose place it takes, under the same name; those that hold the limit beside it are still there.
            if before != nil { _ = leases.book.remove(lease.id) }
            leases.insert(lease)
        }
        for edit in edits where edit.lowers {
            guard leases.book.holdings.known(edit.resource, of: birth, now: edit.old) != nil else { continue }
            abandon(edit.resource, of: birth)
        }
        return true
    }

    private func undo(_ kept: [(new: Lease, before: Lease?)]) {
        for (lease, before) in kept {
            if let before, (try? leases.write(before)) != nil { continue }
            leases.erase(lease.id)
        }
    }

    // nil: nothing of it is leased, or it is lowered.
    private func lastingLease(
        _ edit: AuthorizedEdit, _ request: Request, _ process: ProcessBirth, _ subject: Subject
    ) throws(RlimitError) -> Lease? {
        guard let holding = leases.book.holdings.known(edit.resource, of: process, now: edit.old), !edit.lowers,
            let asked = request.operation.edit(at: edit.index)
        else { return nil }
        // A hard limit only as far as a rule gives it: that it is as high now may be another's lease.
        let most = max(holding.lasting.hard, edit.reach ?? holding.lasting.hard)
        var hold = LeaseHold(
            soft: asked.soft.map { min($0, edit.new.soft) }, hard: asked.hard.map { min($0, edit.new.hard, most) })
        let before = holding.lastingID.flatMap { leases.book[$0] }
        let id = if let before { before.id } else { try Self.newID() }
        if let part = before?.parts.first { hold = hold.union(part.hold) }
        let part = LeasePart(
            resource: edit.resource, old: edit.old, new: edit.new, rule: edit.rule, hold: hold,
            generation: holding.generation, original: holding.original)
        return Lease(
            id: id, process: process, credentials: subject.identity.credentials,
            holder: LeaseHolder(process: nil, uid: 0, gid: 0, sharesNamespace: true), tenant: .user(0), term: .forGood,
            endsAt: nil, grantedAt: clock(), parts: [part])
    }

    // Whoever had leave to lower it wants it as it is.
    private mutating func abandon(_ resource: Resource, of process: ProcessBirth) {
        let left = leases.book.abandon(resource, of: process)
        for lease in left.leases { try? leases.write(lease) }
        if let lasting = left.lasting { leases.erase(lasting) }
    }
}

extension AuthorizedEdit {
    fileprivate var lowers: Bool { new.soft < old.soft || new.hard < old.hard }
}

extension LeaseTerm {
    /// When it ends by itself, given the longest that it may last; nil where only the connection ends it.
    func end(from now: Moment, longest: Duration?) -> Moment? {
        switch self {
        case .connection: longest.map { now + $0 }
        case .duration(let duration): now + duration
        }
    }
}
