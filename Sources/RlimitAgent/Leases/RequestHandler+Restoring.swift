package import RlimitKernel
package import RlimitModel
import RlimitPolicy

// Ends: by time, by whoever has the lease, by the end of a connection or of the process.

extension RequestHandler {
    /// How long until a process that runs with other ids is looked at again.
    private static let retryInterval: Duration = .seconds(2)

    /// The process of the next lease that ends by now, if one does.
    package mutating func nextExpired() -> (id: LeaseInfo.ID, process: ProcessIdentity)? {
        guard let id = leases.table.due(at: clock()), let lease = leases.table[id] else { return nil }
        return (id, lease.process)
    }

    /// Those that have leases.
    package var leasedProcesses: [ProcessIdentity] { Array(leases.table.leasedProcesses) }

    /// When the next lease ends.
    package mutating func nextLeaseExpiry() -> BootInstant? { leases.table.nextExpiry() }

    /// A connection has closed: the leases that last as long end now.
    package mutating func disconnected(_ session: UInt64) {
        if !leases.table.isEmpty { leases.table.disconnected(session, at: clock()) }
    }

    /// A process has ended, and its leases with it. Forgets as many of them as it has time for; true once there are none left.
    package mutating func processEnded(
        _ process: ProcessIdentity, until end: BootInstant = BootInstant(nanoseconds: .max)
    ) -> Bool {
        while let id = leases.table.leases(of: process).first {
            removeLease(id)
            if BootInstant.now >= end { break }
        }
        return leases.table.leases(of: process).isEmpty
    }

    // The process of it is gone.
    private mutating func removeLease(_ id: LeaseInfo.ID) {
        guard let lease = leases.table[id] else { return }
        leases.remove(id)
        guard lease.term != .permanent else { return }
        for part in lease.parts {
            audit.leaseEnded(Restoration(part.resource, .processEnded), of: lease, because: .processEnded)
        }
    }

    /// Ends a lease: each limit falls to what it was or what others hold, if it still is as it was set here and the process
    /// still has the ids that it had. What cannot be taken back yet is tried again later.
    package mutating func restoreLimits(
        _ id: LeaseInfo.ID, on process: borrowing some TargetProcess & ~Copyable, by peer: Peer? = nil
    ) -> [Restoration] {
        guard let lease = leases.table[id] else { return [] }
        let cause = peer == nil ? lease.cause : .released
        var restorations = lease.parts.map { restore($0, of: lease, on: process) }
        if process.isKnownToHaveEnded {
            restorations = lease.parts.map { Restoration($0.resource, .processEnded) }
        }
        let remaining = lease.parts.filter { part in
            restorations.contains { $0.resource == part.resource && $0.outcome == .identityChanged }
        }
        for restoration in restorations where !lease.hasEnded || restoration.outcome != .identityChanged {
            audit.leaseEnded(restoration, of: lease, because: cause, by: peer)
        }
        if remaining.isEmpty { leases.remove(id) } else { postpone(lease, keeping: remaining) }
        return restorations
    }

    /// Of the process of a lease that is due nobody can tell anything now.
    mutating func postpone(_ id: LeaseInfo.ID) {
        guard let lease = leases.table[id] else { return }
        leases.table.scheduleEnd(id, at: clock() + Self.retryInterval, because: lease.cause)
    }

    private mutating func postpone(_ lease: Lease, keeping parts: [LeasePart]) {
        let now = clock()
        for orphan in leases.table.suspend(lease.id, until: now + Self.retryInterval, keeping: parts) {
            leases.erase(orphan)
        }
        guard !lease.hasEnded, var known = leases.table[lease.id] else { return }
        // The agent after this one tries at once.
        known.term = .duration
        known.endsAt = now
        try? leases.write(known)
    }

    private mutating func restore(
        _ part: LeasePart, of lease: Lease, on process: borrowing some TargetProcess & ~Copyable
    ) -> Restoration {
        let expectedIdentity = ProcessCredentials(pid: process.pid, credentials: lease.credentials)
        var last: Limit?
        // Where somebody else changes it at the same moment, it is theirs before the last try.
        for _ in 0..<4 {
            guard let now = try? process.read(part.resource) else { break }
            last = now
            switch leases.table.leasedLimits.effectOfEnding(of: lease, part.resource, now: now) {
            case .changedElsewhere: return Restoration(part.resource, .changedByTarget, limit: now)
            case .unchanged(let heldByOthers):
                return Restoration(part.resource, heldByOthers ? .heldByAnotherLease : .restored, limit: now)
            case .lowered(let target, let heldByOthers):
                guard let identity = try? process.identity(), identity == expectedIdentity,
                    let outcome = try? writer.lower(
                        part.resource, from: now, to: target, of: process, expectedIdentity: expectedIdentity)
                else { return Restoration(part.resource, .identityChanged, limit: now) }
                guard outcome == .written else { continue }
                leases.table.leasedLimits.set(part.resource, of: lease.process, to: target)
                return Restoration(part.resource, heldByOthers ? .heldByAnotherLease : .restored, limit: target)
            }
        }
        return Restoration(part.resource, last == nil ? .identityChanged : .changedByTarget, limit: last)
    }
}
