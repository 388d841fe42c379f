import RlimitKernel
import RlimitModel
import RlimitPolicy

// Grants: until an end, and for good where there are such until an end.

extension RequestHandler {
    /// Makes edits until an end: first the lease is written down, then the limits change. nil: overtaken.
    mutating func grantLease(
        _ edits: [AuthorizedEdit], until term: LeaseTerm, _ request: Request,
        to process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ requester: LeaseRequester?
    ) throws(RlimitError) -> Reply? {
        guard let requester else { throw RlimitError(.unsupported, message: "there are no leases here") }
        let birth = try process.birth()
        if let error = leases.table.capacityError(for: requester.tenant, quota: policy.quota.leases, process: birth) {
            throw error
        }
        let now = clock()
        let maxDuration = edits.compactMap(\.maxLeaseDuration).min()
        let lease = Lease(
            id: try Self.newID(), process: birth, credentials: snapshot.identity.credentials, holder: requester.holder,
            tenant: requester.tenant, term: term == .connection ? .connection : .duration,
            endsAt: term.expiry(from: now, maxDuration: maxDuration), grantedAt: now,
            parts: edits.map { part(of: $0, request, birth, now) },
            session: term == .connection ? requester.session : nil)
        try leases.write(lease)
        do throws(RlimitError) {
            guard try write(edits, request, to: process, snapshot) else {
                leases.erase(lease.id)
                return nil
            }
        } catch {
            undoGrant(lease, error, process)
            throw error
        }
        leases.insert(lease)
        let changes = edits.map { change($0, on: process) }
        statistics.changes += UInt64(changes.count { $0.new != $0.old })
        for change in changes { audit.leaseGranted(change, lease, term, by: requester.peer) }
        return .changes(changes, lease: requester.info(of: lease, at: now))
    }

    // What was raised for a program that became another user's meanwhile stays raised as long as that runs.
    // Only what was raised: of what it was to be besides, others may hold what it is.
    private mutating func undoGrant(
        _ lease: Lease, _ error: RlimitError, _ process: borrowing some TargetProcess & ~Copyable
    ) {
        var stray = lease
        stray.parts.removeAll { part in
            let now = try? process.read(part.resource)
            return now != part.new
        }
        guard error.code == .targetChanged, !stray.parts.isEmpty else { return leases.erase(lease.id) }
        leases.insert(stray)
        leases.table.scheduleEnd(lease.id, at: clock(), because: .refused)
    }

    private mutating func part(
        of edit: AuthorizedEdit, _ request: Request, _ process: ProcessIdentity, _ now: BootInstant
    ) -> LeasePart {
        let leasedLimit = leases.table.leasedLimits.currentOrNew(edit.resource, of: process, now: edit.old)
        let maxHard = max(leasedLimit.withoutLeases.hard, edit.effectiveCeiling ?? leasedLimit.withoutLeases.hard)
        let requested = request.operation.edit(at: edit.index)
        let bounds = LeaseBounds(
            soft: requested?.soft.map { min($0, edit.new.soft, maxHard) },
            hard: requested?.hard.map { min($0, edit.new.hard, maxHard) })
        return LeasePart(
            resource: edit.resource, old: edit.old, new: edit.new, rule: edit.rule, bounds: bounds,
            generation: leasedLimit.generation, original: leasedLimit.original)
    }

    static func newID() throws(RlimitError) -> LeaseInfo.ID {
        do throws(SystemError) { return LeaseInfo.ID(bytes: try RandomBytes.sixteen()) } catch {
            throw RlimitError(.internalError, errno: error.number, message: "there is no name for a lease: \(error)")
        }
    }

    /// What the limits are without leases.
    func withoutLeases(
        _ now: Limits, _ resources: ResourceSet, of process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> Limits? {
        guard leases.table.leasedProcess(numbered: process.pid) != nil else { return nil }
        let birth = try process.birth()
        var limits = now
        for resource in resources {
            limits[resource] = leases.table.leasedLimits.withoutLeases(resource, of: birth, now: now[resource])
        }
        return limits
    }

    /// Why there is no room for one lease more, or nil.
    func capacityError(
        for requester: LeaseRequester?, _ process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> RlimitError? {
        guard let requester else { return nil }
        return leases.table.capacityError(
            for: requester.tenant, quota: policy.quota.leases, process: try process.birth())
    }
}

// What is given for good of a limit that is leased stays when the leases end.
extension RequestHandler {
    /// Makes edits for good. False: overtaken.
    mutating func applyPermanent(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> Bool {
        guard leases.table.leasedProcess(numbered: process.pid) != nil else {
            return try write(edits, request, to: process, snapshot)
        }
        let birth = try process.birth()
        var journaled: [(new: Lease, before: Lease?)] = []
        do throws(RlimitError) {
            for edit in edits {
                guard let lease = try permanentLease(edit, request, birth, snapshot) else { continue }
                try leases.write(lease)
                journaled.append((lease, leases.table[lease.id]))
            }
            guard try write(edits, request, to: process, snapshot) else {
                undo(journaled)
                return false
            }
        } catch {
            undo(journaled)
            throw error
        }
        for (lease, before) in journaled {
            // The one whose place it takes, under the same name; those that hold the limit beside it are still there.
            if before != nil { _ = leases.table.remove(lease.id) }
            leases.insert(lease)
        }
        for edit in edits where edit.lowers {
            guard leases.table.leasedLimits.unchanged(edit.resource, of: birth, now: edit.old) != nil else { continue }
            abandon(edit.resource, of: birth)
        }
        return true
    }

    private func undo(_ journaled: [(new: Lease, before: Lease?)]) {
        for (lease, before) in journaled {
            if let before, (try? leases.write(before)) != nil { continue }
            leases.erase(lease.id)
        }
    }

    // nil: nothing of it is leased, or it is lowered.
    private func permanentLease(
        _ edit: AuthorizedEdit, _ request: Request, _ process: ProcessIdentity, _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> Lease? {
        guard let leasedLimit = leases.table.leasedLimits.unchanged(edit.resource, of: process, now: edit.old),
            !edit.lowers,
            let requested = request.operation.edit(at: edit.index)
        else { return nil }
        // A hard limit only as far as a rule gives it: that it is as high now may be another's lease.
        let maxHard = max(leasedLimit.withoutLeases.hard, edit.effectiveCeiling ?? leasedLimit.withoutLeases.hard)
        var bounds = LeaseBounds(
            soft: requested.soft.map { min($0, edit.new.soft) },
            hard: requested.hard.map { min($0, edit.new.hard, maxHard) })
        let before = leasedLimit.permanentID.flatMap { leases.table[$0] }
        let id = if let before { before.id } else { try Self.newID() }
        if let part = before?.parts.first { bounds = bounds.union(part.bounds) }
        let part = LeasePart(
            resource: edit.resource, old: edit.old, new: edit.new, rule: edit.rule, bounds: bounds,
            generation: leasedLimit.generation, original: leasedLimit.original)
        return Lease(
            id: id, process: process, credentials: snapshot.identity.credentials,
            holder: LeaseHolder(process: nil, uid: 0, gid: 0, sharesNamespace: true), tenant: .user(0),
            term: .permanent,
            endsAt: nil, grantedAt: clock(), parts: [part])
    }

    // Whoever had leave to lower it wants it as it is.
    private mutating func abandon(_ resource: Resource, of process: ProcessIdentity) {
        let left = leases.table.abandon(resource, of: process)
        for lease in left.leases { try? leases.write(lease) }
        if let permanent = left.permanent { leases.erase(permanent) }
    }
}

extension AuthorizedEdit {
    fileprivate var lowers: Bool { new.soft < old.soft || new.hard < old.hard }
}

extension LeaseTerm {
    /// When it ends by itself, given the longest that it may last; nil where only the connection ends it.
    func expiry(from now: BootInstant, maxDuration: Duration?) -> BootInstant? {
        switch self {
        case .connection: maxDuration.map { now + $0 }
        case .duration(let duration): now + duration
        }
    }
}
