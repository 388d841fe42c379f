import RlimitKernel
package import RlimitModel
package import RlimitPolicy

/// Authorizes and performs requests, between the decoder and the encoder.
///
/// The handler knows nothing about sockets, and performs only what `Policy` put into an `AuthorizedRequest`.
package struct RequestHandler: ~Copyable {
    let facts: AgentFacts
    let audit: AuditLog
    package private(set) var policy: Policy
    var policyStatus: PolicyStatus
    package var statistics = Statistics()
    private let startedAt = BootInstant.now
    private var writer = LimitWriter()
    package var leases: LeaseManager

    package init(policy: Policy, facts: AgentFacts, audit: AuditLog) {
        self.init(policy: policy, facts: facts, audit: audit, leases: LeaseJournal())
    }

    /// - Parameter leases: The present leases, and the journal that records them.
    init(policy: Policy, facts: AgentFacts, audit: AuditLog, leases: consuming LeaseJournal) {
        self.leases = LeaseManager(leases, audit: audit)
        self.policy = policy
        policyStatus = PolicyStatus(policy)
        self.facts = facts
        self.audit = audit
        putIntoForce(policy)
    }

    /// Puts another policy into force.
    mutating func adopt(_ policy: Policy) {
        policyStatus.adopted(policy)
        putIntoForce(policy)
    }

    private mutating func putIntoForce(_ policy: Policy) {
        self.policy = policy
        self.policy.openFilesCeiling = Limit.Bound(facts.openFilesCeiling)
        audit.adopt(policy.audit)
    }

    /// Handles an operation that concerns no process.
    package mutating func handle(_ request: Request, from peer: Peer) throws(RlimitError) -> Reply {
        let authorized: AuthorizedRequest
        do throws(RlimitError) {
            authorized = try policy.authorize(request, from: peer).get()
        } catch {
            recordRefusal(error, request, to: peer, target: nil)
            throw error
        }
        switch authorized.operation {
        case .serverInfo:
            return .serverInfo(
                facts.info(for: peer, policy: policyStatus, mayAttachPidfd: policy.mayTargetOthers(peer)))
        case .stats:
            statistics.uptime = .now - startedAt
            statistics.leases = UInt64(leases.count)
            return .stats(statistics)
        default: throw RlimitError(.internalError, message: "\(request.operationName) was handled without its process")
        }
    }

    /// Handles an operation that concerns one process.
    ///
    /// - Parameters:
    ///   - isPeer: Whether the process is the one that connected.
    ///   - isFromCgroupScan: Whether the process was found in a cgroup.
    ///   - skipsAudit: Whether a refusal is counted and not logged.
    ///   - requester: The caller that gets the lease, if the request asks for one.
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

    /// The leases that a caller may see.
    package mutating func listLeases(_ request: Request, for requester: LeaseRequester) throws(RlimitError) -> Reply {
        guard case .leaseList(let ofEveryone) = try policy.authorize(request, from: requester.peer).get().operation
        else {
            throw RlimitError(.internalError)
        }
        return .leases(leases.list(for: requester, ofEveryone: ofEveryone))
    }

    /// Renews or releases a lease, given its process.
    package mutating func handle(
        _ request: Request, from requester: LeaseRequester, on process: borrowing some TargetProcess & ~Copyable,
        isPeer: Bool
    ) throws(RlimitError) -> Reply {
        let (lease, snapshot) = try leases.managedLease(
            request, by: requester, on: process, isPeer: isPeer, isAgent: process.pid == facts.pid, policy)
        do throws(RlimitError) {
            switch try policy.authorize(request, from: requester.peer).get().operation {
            case .leaseRenew:
                guard case .leaseRenew(_, let term) = request.operation else { break }
                return .lease(try leases.renew(lease, term, by: requester, on: process, snapshot, policy))
            case .leaseRelease:
                return .restorations(leases.restoreLimits(lease.id, on: process, by: requester.peer))
            default: break
            }
        } catch {
            recordRefusal(error, request, to: requester.peer, target: process.pid)
            throw error
        }
        throw RlimitError(.internalError, message: "\(request.operationName) is not an operation on a lease")
    }

    /// Decides whether the caller of a get may see a limit that was read, by the credentials that were read after it.
    mutating func authorizeGet(
        _ pending: PendingGet, from peer: Peer, _ identity: ProcessCredentials, isPeer: Bool
    ) throws(RlimitError) {
        // The most frequent case, before the facts for the other cases are collected.
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

    /// Counts and logs a refusal. Other errors, such as `.noSuchProcess`, are neither counted nor logged.
    package mutating func recordRefusal(
        _ error: RlimitError, _ request: Request, to peer: Peer, target: Int32?, skipsAudit: Bool = false
    ) {
        switch error.code {
        case .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling, .targetChanged, .pidfdRequired, .quotaExceeded:
            statistics.refusals += 1
            let asked = request.operation.edit(at: error.editIndex ?? 0)
            // A change that may have reached another process is always logged.
            if error.code == .targetChanged, request.operation.isChange {
                audit.strayed(error, to: peer, operation: request.operationName, target: target, asked: asked)
            } else if !skipsAudit {
                audit.refused(
                    error, to: peer, of: Tenant(peer, policy), operation: request.operationName, target: target,
                    asked: asked)
            }
        default: break
        }
    }

    private mutating func authorizeAndPerform(
        _ request: Request, from peer: Peer, on process: borrowing some TargetProcess & ~Copyable, isPeer: Bool,
        isFromCgroupScan: Bool, requester: LeaseRequester?
    ) throws(RlimitError) -> Reply {
        // The agent never passes pid 1 to prlimit(2), so it cannot read these limits either.
        guard process.pid > 1 else { throw Policy.firstProcess }
        let hasLeasedLimit =
            request.operation.isChange
            && leases.holdAny(of: request.operation.resources, ofProcess: process.pid)
        // The decision depends on the present limits. If another process changes them between the decision and the
        // write, the policy decides again. Only a process that changes the limits without end uses up all attempts.
        for _ in 0..<8 {
            // Reads limits by pid before the credentials, which confirm the pid and also serve the decision.
            let now = try process.read(request.operation.resources)
            let identity = try process.livingIdentity()
            var snapshot = TargetSnapshot(
                identity: identity, isPeer: isPeer, isAgent: identity.pid == facts.pid,
                isFromCgroupScan: isFromCgroupScan, now: now)
            if hasLeasedLimit {
                snapshot.withoutLeases = try leases.limitsWithoutLeases(
                    now, request.operation.resources, of: process)
            }
            if request.isExplain {
                return .explanation(try explain(request, from: peer, on: process, snapshot, requester))
            }
            let verdict = try policy.authorize(request, from: peer, on: snapshot, knowing: process.knownDetail) {
                (parts: ProcessDetail.Parts) throws(RlimitError) in
                try process.detail(parts)
            }
            let reply = try perform(
                verdict.get(), request, from: peer, on: process, snapshot, requester, hasLeasedLimit: hasLeasedLimit)
            if let reply { return reply }
        }
        throw RlimitError(.conflict, message: "the limits of process \(process.pid) kept changing; try again")
    }

    // nil: another process changed the limits since the decision.
    private mutating func perform(
        _ authorized: AuthorizedRequest, _ request: Request, from peer: Peer,
        on process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ requester: LeaseRequester?,
        hasLeasedLimit: Bool
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
            // Before the change, because no change is without its line.
            guard audit.acceptsChange || !request.operation.isLease && edits.allSatisfy({ $0.new == $0.old })
            else { throw .auditNotTaken }
            if case .set(_, _, lease: let term?) = request.operation {
                return try grantLease(edits, until: term, request, to: process, snapshot, requester)
            }
            guard try applyPermanent(edits, request, to: process, snapshot, hasLeasedLimit: hasLeasedLimit) else {
                return nil
            }
            var changes: [Change] = []
            changes.reserveCapacity(edits.count)
            // By index, because copying an edit is slow.
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
            throw RlimitError(.internalError, message: "an operation without a process was handled with one")
        }
    }

    // What was read from /proc by pid is returned only if the pid still belonged to the process afterwards.
    private func verifyUnchanged<Value>(
        _ process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ value: Value
    ) throws(RlimitError) -> Value {
        guard try process.livingIdentity() == snapshot.identity else { throw RlimitError(.targetChanged) }
        return value
    }

    // nil: another process changed a limit first.
    private mutating func grantLease(
        _ edits: [AuthorizedEdit], until term: LeaseTerm, _ request: Request,
        to process: borrowing some TargetProcess & ~Copyable, _ snapshot: TargetSnapshot, _ requester: LeaseRequester?
    ) throws(RlimitError) -> Reply? {
        guard let requester else { throw RlimitError(.unsupported, message: "leases are not available here") }
        let transaction = try leases.beginGrant(
            edits, until: term, request, to: process, snapshot, requester, quota: policy.quota.leases)
        guard try write(edits, request, to: process, snapshot, in: transaction), let lease = transaction.grant else {
            return nil
        }
        let changes = edits.map { change($0, on: process) }
        statistics.changes += UInt64(changes.count { $0.new != $0.old })
        for change in changes { audit.leaseGranted(change, lease, term, by: requester.peer) }
        return .changes(changes, lease: requester.info(of: lease, at: lease.grantedAt))
    }

    // False: another process changed a limit first.
    private mutating func applyPermanent(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot, hasLeasedLimit: Bool
    ) throws(RlimitError) -> Bool {
        guard hasLeasedLimit else { return try write(edits, request, to: process, snapshot) }
        let transaction = try leases.beginPermanentEdits(edits, request, to: process, snapshot)
        return try write(edits, request, to: process, snapshot, in: transaction)
    }

    // Writes the limits of a transaction, and ends it. False: another process changed a limit before the write.
    private mutating func write(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot, in transaction: LeaseTransaction
    ) throws(RlimitError) -> Bool {
        do throws(RlimitError) {
            guard try write(edits, request, to: process, snapshot) else {
                leases.cancel(transaction)
                return false
            }
        } catch {
            leases.undo(transaction, after: error, on: process)
            throw error
        }
        leases.commit(transaction)
        return true
    }

    // False: another process changed a limit first.
    private mutating func write(
        _ edits: [AuthorizedEdit], _ request: Request, to process: borrowing some TargetProcess & ~Copyable,
        _ snapshot: TargetSnapshot
    ) throws(RlimitError) -> Bool {
        switch try writer.write(edits, to: process, expectedIdentity: snapshot.identity) {
        case .written: return true
        case .overtaken(let resource, let now):
            guard let (index, expected) = request.operation.expected(of: resource) else { return false }
            throw RlimitError(
                .conflict, message: "\(resource) is \(now), not \(expected) as expected", resource: resource,
                editIndex: index)
        }
    }

    private func change(_ edit: AuthorizedEdit, on process: borrowing some TargetProcess & ~Copyable) -> Change {
        Change(
            edit.resource, old: edit.old, new: edit.new, grantedBy: .agent(rule: edit.rule), shortfall: edit.shortfall,
            warnings: edit.resource.isCappedByUserNamespaces && edit.new != edit.old && process.isInChildUserNamespace
                ? [.limitedByUserNamespace] : [])
    }
}
