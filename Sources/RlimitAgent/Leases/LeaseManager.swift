package import RlimitKernel
package import RlimitModel
import RlimitPolicy

/// The leases of one agent: grants, renews and ends them, and restores the limits of those that have ended.
///
/// What a caller may do is decided before, in `RequestHandler`. When to end a lease is the caller's part: `nextExpired`
/// says which lease is due, and `processEnded` and `disconnected` report events.
package struct LeaseManager: ~Copyable {
    private var journal: LeaseJournal
    private let audit: AuditLog
    private var restorer = LimitRestorer()
    /// How far the clock of leases is ahead of the boot clock: only in tests.
    package var clockAhead: Duration = .zero
    /// How many requests have asked about leases: only for tests.
    private(set) var lookups = 0

    /// The time until the next attempt where a process runs with other ids, or cannot be inspected.
    private static let retryInterval: Duration = .seconds(2)
    /// The time that holders connected to the previous agent have to reconnect.
    private static let reclaimTimeout: Duration = .seconds(30)
    /// The time in which leases of an ended process are removed within a request.
    private static let removalTime: Duration = .microseconds(200)

    init(_ journal: consuming LeaseJournal, audit: AuditLog) {
        self.journal = journal
        self.audit = audit
    }

    var table: LeaseTable { journal.table }
    var isEmpty: Bool { journal.table.isEmpty }
    var count: Int { journal.table.count }

    private func clock() -> BootInstant { .now + clockAhead }

    /// Logs an error of the agent about leases.
    func logError(_ what: String) { journal.logError(what) }

    // MARK: Limits that leases hold

    /// Whether leases hold any of these limits of the process with this number.
    mutating func holdAny(of resources: ResourceSet, ofProcess pid: Int32) -> Bool {
        lookups += 1
        return journal.table.holdsAny(of: resources, ofProcess: pid)
    }

    /// What the limits are without leases, given what they are now.
    mutating func limitsWithoutLeases(
        _ now: Limits, _ resources: ResourceSet, of process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> Limits {
        lookups += 1
        let identity = try process.birth()
        var limits = now
        for resource in resources {
            limits[resource] = journal.table.leasedLimits.withoutLeases(resource, of: identity, now: now[resource])
        }
        return limits
    }

    // MARK: Grants

    /// Why one more lease has no room; nil where it has.
    func capacityError(
        for requester: LeaseRequester, _ process: borrowing some TargetProcess & ~Copyable, quota: Int
    ) throws(RlimitError) -> RlimitError? {
        journal.table.capacityError(for: requester.tenant, quota: quota, process: try process.birth())
    }

    /// Begins to grant a lease of all edits.
    mutating func beginGrant(
        _ edits: [AuthorizedEdit], until term: LeaseTerm, _ request: Request,
        to process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ requester: LeaseRequester,
        quota: Int
    ) throws(RlimitError) -> LeaseTransaction {
        let identity = try process.birth()
        if let error = journal.table.capacityError(for: requester.tenant, quota: quota, process: identity) {
            throw error
        }
        return try LeaseTransaction(
            granting: edits, until: term, request, to: identity, snapshot, requester, at: clock(), in: &journal)
    }

    /// Begins permanent edits of limits that leases hold.
    mutating func beginPermanentEdits(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> LeaseTransaction {
        lookups += 1
        return try LeaseTransaction(
            permanent: edits, request, to: process.birth(), snapshot, at: clock(), in: journal)
    }

    mutating func commit(_ transaction: LeaseTransaction) { transaction.commit(to: &journal) }

    func cancel(_ transaction: LeaseTransaction) { transaction.cancel(in: journal) }

    mutating func undo(
        _ transaction: LeaseTransaction, after error: RlimitError, on process: borrowing some TargetProcess & ~Copyable
    ) {
        transaction.undo(after: error, on: process, at: clock(), in: &journal)
    }

    // MARK: Requests about leases

    /// The live leases of everyone, or those of the requester.
    func list(for requester: LeaseRequester, ofEveryone: Bool) -> [LeaseInfo] {
        let now = clock()
        let found = ofEveryone ? journal.table.live : journal.table.live(of: requester)
        var builder = LeaseInfoBuilder(requester.peer)
        return found.map { builder.info(of: $0, at: now) }
    }

    /// The process of the lease that a request names.
    ///
    /// - Throws: `.leaseEnded` where no such lease lives.
    package func process(ofLeaseIn request: Request) throws(RlimitError) -> ProcessIdentity {
        guard let lease = request.operation.leaseID.flatMap({ journal.table[$0] }), !lease.hasEnded,
            lease.term != .permanent
        else { throw RlimitError.leaseEnded }
        return lease.process
    }

    /// The lease that a request names, and a snapshot of its process.
    ///
    /// - Throws: `.leaseEnded` where no such lease lives, or the requester may not manage it.
    mutating func managedLease(
        _ request: Request, by requester: LeaseRequester, on process: borrowing some TargetProcess & ~Copyable,
        isPeer: Bool, isAgent: Bool, _ policy: Policy
    ) throws(RlimitError) -> (lease: Lease, snapshot: TargetSnapshot) {
        guard let id = request.operation.leaseID, let lease = journal.table[id] else { throw RlimitError.leaseEnded }
        guard !process.isKnownToHaveEnded else {
            _ = processEnded(lease.process, until: .now + Self.removalTime)
            throw RlimitError.leaseEnded
        }
        guard let identity = try process.identity(), identity.pid == process.pid else { throw RlimitError.leaseEnded }
        let snapshot = TargetSnapshot(
            identity: identity, isPeer: isPeer, isAgent: isAgent, now: Limits(repeating: Limit(.infinity)))
        if requester.owns(lease) { return (lease, snapshot) }
        let mayManage = try policy.mayManageLeases(requester.peer, on: snapshot, of: lease.parts.map(\.resource)) {
            (parts: ProcessDetail.Parts) throws(RlimitError) in
            try process.detail(parts)
        }
        guard mayManage else { throw RlimitError.leaseEnded }
        return (lease, snapshot)
    }

    /// Renews a lease, from now on with this term, whichever term it had before.
    mutating func renew(
        _ lease: Lease, _ term: LeaseTerm, by requester: LeaseRequester,
        on process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ policy: Policy
    ) throws(RlimitError) -> LeaseInfo {
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
        try journal.renew(renewed)
        audit.leaseRenewed(renewed, at: now, by: requester.peer, of: requester.tenant)
        return requester.info(of: renewed, at: now)
    }

    private func renewedLimits(
        _ lease: Lease, _ process: borrowing some TargetProcess & ~Copyable
    ) throws(RlimitError) -> [RenewedLimit] {
        var renewedLimits: [RenewedLimit] = []
        for part in lease.parts {
            guard let rule = part.rule else { continue }
            let now = try process.read(part.resource)
            let withoutLeases = journal.table.leasedLimits.withoutLeases(part.resource, of: lease.process, now: now)
            let hard = part.bounds.hard.flatMap { $0 > withoutLeases.hard ? $0 : nil }
            renewedLimits.append(RenewedLimit(part.resource, rule: rule, hard: hard))
        }
        return renewedLimits
    }

    // MARK: Ends

    /// The processes that have leases.
    package var leasedProcesses: [ProcessIdentity] { Array(journal.table.leasedProcesses) }

    func hasLeases(of process: ProcessIdentity) -> Bool { !journal.table.leases(of: process).isEmpty }

    /// The process with this number that has leases.
    func leasedProcess(numbered pid: Int32) -> ProcessIdentity? { journal.table.leasedProcess(numbered: pid) }

    /// When the next lease ends by time; nil where none does.
    package mutating func nextExpiry() -> BootInstant? { journal.table.nextExpiry() }

    /// A lease that is due now, and its process; nil where none is due.
    package mutating func nextExpired() -> (id: LeaseInfo.ID, process: ProcessIdentity)? {
        guard let id = journal.table.due(at: clock()), let lease = journal.table[id] else { return nil }
        return (id, lease.process)
    }

    /// Ends the leases that last as long as a connection which has closed.
    package mutating func disconnected(_ session: UInt64) {
        if !isEmpty { journal.table.disconnected(session, at: clock()) }
    }

    /// Removes leases of a process that has ended, until `end`.
    ///
    /// - Returns: Whether none are left.
    package mutating func processEnded(
        _ process: ProcessIdentity, until end: BootInstant = BootInstant(nanoseconds: .max)
    ) -> Bool {
        while let id = journal.table.leases(of: process).first, let lease = journal.table[id] {
            journal.remove(id)
            recordEndOfProcess(lease)
            if BootInstant.now >= end { break }
        }
        return journal.table.leases(of: process).isEmpty
    }

    private func recordEndOfProcess(_ lease: Lease) {
        guard lease.term != .permanent else { return }
        for part in lease.parts {
            audit.leaseEnded(Restoration(part.resource, .processEnded), of: lease, because: .processEnded)
        }
    }

    /// Ends a lease and restores its limits. A limit of a process that runs with other ids is restored later.
    ///
    /// - Parameter peer: The caller that releases the lease; nil where it ends by itself.
    package mutating func restoreLimits(
        _ id: LeaseInfo.ID, on process: borrowing some TargetProcess & ~Copyable, by peer: Peer? = nil
    ) -> [Restoration] {
        guard let lease = journal.table[id] else { return [] }
        let cause = peer == nil ? lease.cause : .released
        var restorations = lease.parts.map { restorer.restore($0, of: lease, on: process, in: &journal.table) }
        if process.isKnownToHaveEnded {
            restorations = lease.parts.map { Restoration($0.resource, .processEnded) }
        }
        let remaining = lease.parts.filter { part in
            restorations.contains { $0.resource == part.resource && $0.outcome == .identityChanged }
        }
        for restoration in restorations where !lease.hasEnded || restoration.outcome != .identityChanged {
            audit.leaseEnded(restoration, of: lease, because: cause, by: peer)
        }
        if remaining.isEmpty {
            journal.remove(id)
        } else {
            let now = clock()
            journal.suspend(lease, keeping: remaining, at: now, until: now + Self.retryInterval)
        }
        return restorations
    }

    /// Postpones the end of a lease: its process cannot be inspected now.
    mutating func postpone(_ id: LeaseInfo.ID) {
        guard let lease = journal.table[id] else { return }
        journal.table.scheduleEnd(id, at: clock() + Self.retryInterval, because: lease.cause)
    }

    // MARK: Leases of the previous agent

    /// The leases that the previous agent recorded since the machine booted.
    func load() throws(SystemError) -> [Lease] { try journal.load() }

    var hasRoomForProcess: Bool { journal.table.hasRoomForProcess }

    /// Takes over the leases of one running process. Holders of leases by connection have some time to reconnect.
    mutating func adopt(_ recorded: [Lease], limits: Limits) {
        let end = clock() + Self.reclaimTimeout
        let leases = recorded.map { lease in
            guard lease.term == .connection else { return lease }
            var lease = lease
            lease.endsAt = min(lease.endsAt ?? end, end)
            lease.cause = .disconnected
            return lease
        }
        journal.adopt(leases, limits: limits)
    }

    /// Removes the leases of a process that has ended since.
    func removeEnded(_ recorded: [Lease]) {
        for lease in recorded {
            journal.erase(lease.id)
            recordEndOfProcess(lease)
        }
    }

    /// Leaves the records of one process to the next agent.
    mutating func leaveUnmanaged(_ recorded: [Lease], _ reason: String) {
        journal.table.reserveGenerations(of: recorded)
        journal.logError("\(recorded.count) leases of the previous agent stay on disk, unmanaged: \(reason)")
    }
}

extension RlimitError {
    /// Does not tell a caller whether a lease has ended or belongs to another.
    fileprivate static let leaseEnded = RlimitError(
        .leaseEnded, message: "the caller has no such lease, or it has ended")
    /// The lease is gone because its process is.
    package static let leasedProcessEnded = RlimitError(
        .leaseEnded, message: "the lease has ended with its process")
}

extension TargetProcess where Self: ~Copyable {
    /// Also false if the kernel does not report the process.
    fileprivate var isKnownToHaveEnded: Bool {
        do throws(RlimitError) { return try identity() == nil } catch { return false }
    }
}
