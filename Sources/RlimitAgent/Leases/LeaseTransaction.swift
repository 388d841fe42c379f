import RlimitKernel
import RlimitModel
import RlimitPolicy

/// What one batch of edits changes in the leases of a process.
///
/// The initializers record the change on disk. The caller then writes the limits, and ends the transaction with
/// `commit`, `cancel` or `undo`.
struct LeaseTransaction {
    /// The lease that the batch is granted as; nil for permanent edits.
    private(set) var grant: Lease?
    private let process: ProcessIdentity
    private let edits: [AuthorizedEdit]
    // The permanent shares of leased limits, and the recorded shares that they replace.
    private var permanent: [(new: Lease, replaced: Lease?)] = []

    /// Records a lease of all edits.
    init(
        granting edits: [AuthorizedEdit], until term: LeaseTerm, _ request: Request, to process: ProcessIdentity,
        _ snapshot: TargetSnapshot, _ requester: LeaseRequester, at now: BootInstant, in journal: inout LeaseJournal
    ) throws(RlimitError) {
        self.process = process
        self.edits = edits
        let maxDuration = edits.compactMap(\.maxLeaseDuration).min()
        let lease = Lease(
            id: try Self.newID(), process: process, credentials: snapshot.identity.credentials,
            holder: requester.holder, tenant: requester.tenant, term: term == .connection ? .connection : .duration,
            endsAt: term.expiry(from: now, maxDuration: maxDuration), grantedAt: now,
            parts: edits.map { Self.part(of: $0, request, process, &journal.table) },
            session: term == .connection ? requester.session : nil)
        try journal.write(lease)
        grant = lease
    }

    /// Records the permanent edits that raise limits which leases hold too: those limits stay raised when the leases
    /// end.
    init(
        permanent edits: [AuthorizedEdit], _ request: Request, to process: ProcessIdentity,
        _ snapshot: TargetSnapshot, at now: BootInstant, in journal: borrowing LeaseJournal
    ) throws(RlimitError) {
        self.process = process
        self.edits = edits
        do throws(RlimitError) {
            for edit in edits {
                guard let lease = try permanentShare(edit, request, snapshot, at: now, journal.table) else { continue }
                try journal.write(lease)
                permanent.append((lease, journal.table[lease.id]))
            }
        } catch {
            cancel(in: journal)
            throw error
        }
    }

    /// The limits were written.
    func commit(to journal: inout LeaseJournal) {
        if let grant { return journal.insert(grant) }
        for (lease, replaced) in permanent {
            // The new share has the id of the one that it replaces, so the record stays.
            if replaced != nil { _ = journal.table.remove(lease.id) }
            journal.insert(lease)
        }
        for edit in edits where edit.lowers {
            guard journal.table.leasedLimits.unchanged(edit.resource, of: process, now: edit.old) != nil else {
                continue
            }
            // The caller may lower this limit, so no lease restores it any more.
            journal.abandon(edit.resource, of: process)
        }
    }

    /// No limit was written.
    func cancel(in journal: borrowing LeaseJournal) {
        if let grant { journal.erase(grant.id) }
        for (lease, replaced) in permanent {
            if let replaced, (try? journal.write(replaced)) != nil { continue }
            journal.erase(lease.id)
        }
    }

    /// Writing the limits failed.
    ///
    /// Limits that were raised while the process became another user's stay raised as long as that program runs: the
    /// lease is kept, as ended, for those limits only. A limit that the grant did not reach may be held by other
    /// leases.
    func undo(
        after error: RlimitError, on process: borrowing some TargetProcess & ~Copyable, at now: BootInstant,
        in journal: inout LeaseJournal
    ) {
        guard error.code == .targetChanged, var stray = grant else { return cancel(in: journal) }
        stray.parts.removeAll { part in
            let now = try? process.read(part.resource)
            return now != part.new
        }
        guard !stray.parts.isEmpty else { return cancel(in: journal) }
        journal.insert(stray)
        journal.table.scheduleEnd(stray.id, at: now, because: .refused)
    }

    private static func part(
        of edit: AuthorizedEdit, _ request: Request, _ process: ProcessIdentity, _ table: inout LeaseTable
    ) -> LeasePart {
        let leasedLimit = table.currentOrNewLimit(edit.resource, of: process, now: edit.old)
        let maxHard = leasedLimit.maxHard(for: edit)
        let requested = request.operation.edit(at: edit.index)
        let bounds = LeaseBounds(
            soft: requested?.soft.map { min($0, edit.new.soft, maxHard) },
            hard: requested?.hard.map { min($0, edit.new.hard, maxHard) })
        return LeasePart(edit, bounds, in: leasedLimit)
    }

    // nil: no lease holds this limit, or the edit lowers it.
    private func permanentShare(
        _ edit: AuthorizedEdit, _ request: Request, _ snapshot: TargetSnapshot, at now: BootInstant,
        _ table: LeaseTable
    ) throws(RlimitError) -> Lease? {
        guard let leasedLimit = table.leasedLimits.unchanged(edit.resource, of: process, now: edit.old), !edit.lowers,
            let requested = request.operation.edit(at: edit.index)
        else { return nil }
        var bounds = LeaseBounds(
            soft: requested.soft.map { min($0, edit.new.soft) },
            hard: requested.hard.map { min($0, edit.new.hard, leasedLimit.maxHard(for: edit)) })
        let known = leasedLimit.permanentID.flatMap { table[$0] }
        if let part = known?.parts.first { bounds = bounds.union(part.bounds) }
        let id = if let known { known.id } else { try Self.newID() }
        return Lease(
            id: id, process: process, credentials: snapshot.identity.credentials,
            holder: LeaseHolder(process: nil, uid: 0, gid: 0, sharesNamespace: true), tenant: .user(0),
            term: .permanent, endsAt: nil, grantedAt: now, parts: [LeasePart(edit, bounds, in: leasedLimit)])
    }

    private static func newID() throws(RlimitError) -> LeaseInfo.ID {
        do throws(SystemError) { return LeaseInfo.ID(bytes: try RandomBytes.sixteen()) } catch {
            throw RlimitError(
                .internalError, errno: error.number, message: "no random id for a lease is available: \(error)")
        }
    }
}

extension LeasedLimit {
    /// How far an edit may hold the hard limit up: to what its rule allows, not to what another lease holds.
    fileprivate func maxHard(for edit: AuthorizedEdit) -> Limit.Bound {
        max(withoutLeases.hard, edit.effectiveCeiling ?? withoutLeases.hard)
    }
}

extension LeasePart {
    fileprivate init(_ edit: AuthorizedEdit, _ bounds: LeaseBounds, in leasedLimit: LeasedLimit) {
        self.init(
            resource: edit.resource, old: edit.old, new: edit.new, rule: edit.rule, bounds: bounds,
            generation: leasedLimit.generation, original: leasedLimit.original)
    }
}

extension AuthorizedEdit {
    fileprivate var lowers: Bool { new.soft < old.soft || new.hard < old.hard }
}
