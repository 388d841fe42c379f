import RlimitKernel
package import RlimitModel
package import RlimitPolicy

/// Authorizes and performs: the middle of a request's way, between the decoder and the encoder.
///
/// Nothing here knows of sockets, and nothing is done but what `Policy` put into an `AuthorizedRequest`.
package struct RequestHandler: ~Copyable {
    let facts: AgentFacts
    let audit: AuditLog
    package private(set) var policy: Policy
    var policyStatus: PolicyStatus
    package var statistics = Statistics()
    private let startedAt = BootInstant.now
    var writer = LimitWriter()
    var leases: LeaseJournal
    /// How far the clock by which leases end is ahead of the real one: only in tests.
    package var clockAhead: Duration = .zero

    package init(policy: Policy, facts: AgentFacts, audit: AuditLog) {
        self.init(policy: policy, facts: facts, audit: audit, leases: LeaseJournal())
    }

    /// - Parameter leases: What there is of leases, and where they are written down.
    init(policy: Policy, facts: AgentFacts, audit: AuditLog, leases: consuming LeaseJournal) {
        self.leases = leases
        self.policy = policy
        policyStatus = PolicyStatus(policy)
        self.facts = facts
        self.audit = audit
        adopt(policy)
    }

    /// Goes by another policy from now on.
    mutating func adopt(_ policy: Policy) {
        self.policy = policy
        policyStatus.adopted(policy)
        self.policy.openFilesCeiling = Limit.Bound(facts.openFilesCeiling)
    }

    func clock() -> BootInstant { .now + clockAhead }

    /// An operation that concerns no process.
    package mutating func handle(_ request: Request, from peer: Peer) throws(RlimitError) -> Reply {
        let authorized: AuthorizedRequest
        do throws(RlimitError) {
            authorized = try policy.authorize(request, from: peer).get()
        } catch {
            recordRefusal(error, request, to: peer, target: nil)
            throw error
        }
        switch authorized.operation {
        case .serverInfo: return .serverInfo(facts.info(for: peer, policy: policyStatus.text))
        case .stats:
            statistics.uptime = .now - startedAt
            statistics.leases = UInt64(leases.table.count)
            return .stats(statistics)
        default: throw RlimitError(.internalError, message: "\(request.operationName) came where no process is known")
        }
    }

    /// An operation that concerns one process; `isPeer` where it is the one that connected.
    ///
    /// - Parameters:
    ///   - wasFound: It was found in a cgroup.
    ///   - isSilent: A refusal is counted and not written down.
    ///   - asker: Who is to have the lease that is asked for.
    package mutating func handle(
        _ request: Request, from peer: Peer, on process: borrowing some TargetProcess & ~Copyable, isPeer: Bool,
        isFromCgroupScan: Bool = false, skipsAudit: Bool = false, requester: LeaseRequester? = nil
    ) throws(RlimitError) -> Reply {
        do throws(RlimitError) {
            return try authorizeAndPerform(
                request, from: peer, on: process, isPeer: isPeer, isFromCgroupScan: isFromCgroupScan,
                requester: requester)
        } catch {
            recordRefusal(error, request, to: peer, target: process.pid, skipsAudit: skipsAudit)
            throw error
        }
    }

    /// Whether the caller of a get may see limits that were read of a process, given a look at it that came after.
    mutating func authorizeGet(
        _ pending: PendingGet, from peer: Peer, _ identity: ProcessCredentials, isPeer: Bool
    ) throws(RlimitError) {
        // The commonest case, before anything is built for the others.
        if identity.pid > 1, Policy.baselineAllowsRead(identity, peer) { return }
        let cached = pending.process
        var now = Limits()
        now[pending.resource] = pending.limit
        let snapshot = TargetSnapshot(identity: identity, isPeer: isPeer, isAgent: identity.pid == facts.pid, now: now)
        do throws(RlimitError) {
            guard identity.pid > 1 else { throw Policy.firstProcess }
            let verdict = try policy.authorize(pending.get.request, from: peer, on: snapshot) {
                (parts: ProcessDetail.Parts) throws(RlimitError) in
                try cached.detail(parts)
            }
            _ = try verdict.get()
        } catch {
            recordRefusal(error, pending.get.request, to: peer, target: identity.pid)
            throw error
        }
    }

    /// Counts a refusal, and writes it down where it was one: of a process that has ended there is nothing to tell.
    package mutating func recordRefusal(
        _ error: RlimitError, _ request: Request, to peer: Peer, target: Int32?, skipsAudit: Bool = false
    ) {
        switch error.code {
        case .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling, .targetChanged, .pidfdRequired, .quotaExceeded:
            statistics.refusals += 1
            // What was done to a process that changed is told in any case.
            guard !skipsAudit || error.code == .targetChanged else { return }
            audit.refused(
                error, to: peer, operation: request.operationName, target: target,
                asked: request.operation.edit(at: error.editIndex ?? 0))
        default: break
        }
    }

    private mutating func authorizeAndPerform(
        _ request: Request, from peer: Peer, on process: borrowing some TargetProcess & ~Copyable, isPeer: Bool,
        isFromCgroupScan: Bool, requester: LeaseRequester?
    ) throws(RlimitError) -> Reply {
        // Its number never reaches the kernel, so its limits are not known either.
        guard process.pid > 1 else { throw Policy.firstProcess }
        // A change is judged by the limits as they are. Where somebody else changes them between the judging and the
        // writing, it is judged again; an honest neighbour is done long before the last try.
        for _ in 0..<8 {
            // Read by number first, then make sure of whom: one look serves both the reading and the judging.
            let now = try process.read(request.operation.resources)
            let identity = try process.livingIdentity()
            var snapshot = TargetSnapshot(
                identity: identity, isPeer: isPeer, isAgent: identity.pid == facts.pid,
                isFromCgroupScan: isFromCgroupScan, now: now)
            if !leases.table.isEmpty, request.operation.isChange {
                snapshot.withoutLeases = try withoutLeases(now, request.operation.resources, of: process)
            }
            if request.isExplain {
                var explanation = try policy.explain(request, from: peer, on: snapshot) {
                    (parts: ProcessDetail.Parts) throws(RlimitError) in
                    try process.detail(parts)
                }
                if request.operation.isLease, explanation.refusal == nil {
                    explanation.refusal = try capacityError(for: requester, process)
                }
                return .explanation(explanation)
            }
            let verdict = try policy.authorize(request, from: peer, on: snapshot, knowing: process.knownDetail) {
                (parts: ProcessDetail.Parts) throws(RlimitError) in
                try process.detail(parts)
            }
            if let reply = try perform(verdict.get(), request, from: peer, on: process, snapshot, requester) {
                return reply
            }
        }
        throw RlimitError(.conflict, message: "the limits of process \(process.pid) kept changing; try again")
    }

    // nil: somebody else changed the limits since they were judged.
    private mutating func perform(
        _ authorized: AuthorizedRequest, _ request: Request, from peer: Peer,
        on process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ requester: LeaseRequester?
    ) throws(RlimitError) -> Reply? {
        switch authorized.operation {
        case .read(let resources):
            if case .prlimit(_, let resource, _) = request.operation {
                return .prlimit(old: snapshot.now[resource], rule: nil, warnings: [])
            }
            return .limits(resources, snapshot.now)
        case .usage(let scope):
            return .usage(try verifyUnchanged(process, snapshot, try process.usage(scope)))
        case .threadUsage(let thread):
            return .usage(try verifyUnchanged(process, snapshot, try process.usage(ofThread: thread)))
        case .change(let edits):
            if case .set(_, _, lease: let term?) = request.operation {
                return try grantLease(edits, until: term, request, to: process, snapshot, requester)
            }
            guard try applyPermanent(edits, request, to: process, snapshot) else { return nil }
            var changes: [Change] = []
            changes.reserveCapacity(edits.count)
            // By place, for a copy of a change takes long.
            for place in edits.indices {
                changes.append(change(edits[place], on: process))
                guard edits[place].new != edits[place].old else { continue }
                statistics.changes += 1
                audit.limitChanged(edits[place], by: peer, operation: request.operationName, target: process.pid)
            }
            if case .prlimit = request.operation, let change = changes.first {
                return .prlimit(old: change.old, rule: edits.first?.rule, warnings: change.warnings)
            }
            return .changes(changes, lease: nil)
        case .serverInfo, .stats, .leaseList, .leaseRenew, .leaseRelease:
            throw RlimitError(.internalError, message: "a deed without a process came to a process")
        }
    }

    // What /proc was read by number is shown only if the number still was that process afterwards.
    private func verifyUnchanged<Value>(
        _ process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ value: Value
    ) throws(RlimitError) -> Value {
        guard try process.livingIdentity() == snapshot.identity else { throw RlimitError(.targetChanged) }
        return value
    }

    // False: overtaken.
    mutating func write(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> Bool {
        switch try writer.write(edits, to: process, expectedIdentity: snapshot.identity) {
        case .written: return true
        case .overtaken(let resource, let now):
            guard let (index, expected) = request.operation.expected(of: resource) else { return false }
            throw RlimitError(
                .conflict, message: "\(resource) is \(now) and not \(expected), as was expected", resource: resource,
                editIndex: index)
        }
    }

    func change(_ edit: AuthorizedEdit, on process: borrowing some TargetProcess & ~Copyable) -> Change {
        Change(
            edit.resource, old: edit.old, new: edit.new, grantedBy: .agent(rule: edit.rule), shortfall: edit.shortfall,
            warnings: edit.resource.isCappedByUserNamespaces && edit.new != edit.old && process.isInChildUserNamespace
                ? [.limitedByUserNamespace] : [])
    }
}

extension Resource {
    /// Counted per user, and so, since Linux 5.14, in every user namespace on the way to the root (ucounts).
    fileprivate var isCappedByUserNamespaces: Bool {
        switch self {
        case .processes, .pendingSignals, .messageQueueBytes: true
        default: false
        }
    }
}

extension Request.Operation {
    /// The resources whose limits must be known to judge it.
    var resources: ResourceSet {
        switch self {
        case .get(_, let resources): resources
        case .set(_, let edits, _): edits.resources
        case .prlimit(_, let resource, _): ResourceSet(only: resource)
        default: .none
        }
    }

    /// It asks for other limits.
    var isChange: Bool {
        switch self {
        case .set, .prlimit(_, _, .some): true
        default: false
        }
    }

    /// It asks for limits until an end.
    var isLease: Bool {
        if case .set(_, _, lease: .some) = self { true } else { false }
    }

    /// The edit at a place of the batch.
    func edit(at index: Int) -> NumericEdit? {
        switch self {
        case .set(_, let edits, _): edits.indices.contains(index) ? edits[index] : nil
        case .prlimit(_, let resource, let new?): NumericEdit(resource, soft: new.soft, hard: new.hard)
        default: nil
        }
    }

    /// What a compare-and-set of this resource expected, and which edit it is.
    fileprivate func expected(of resource: Resource) -> (index: Int, limit: Limit)? {
        guard case .set(_, let edits, _) = self, let index = edits.firstIndex(where: { $0.resource == resource }),
            let limit = edits[index].expecting
        else { return nil }
        return (index, limit)
    }
}
