package import RlimitKernel
package import RlimitModel
import RlimitPolicy

// Ends: by time, by whoever has the lease, by the end of a connection or of the process.

extension RequestHandler {
    /// How long until a process that runs with other ids is looked at again.
    private static let retryTime: Duration = .seconds(2)

    /// The process of the next lease that ends by now, if one does.
    package mutating func nextDue() -> (id: LeaseInfo.ID, process: ProcessBirth)? {
        guard let id = leases.book.due(at: clock()), let lease = leases.book[id] else { return nil }
        return (id, lease.process)
    }

    /// Those that have leases.
    package var leasedProcesses: [ProcessBirth] { Array(leases.book.leasedProcesses) }

    /// When the next lease ends.
    package mutating func nextLeaseEnd() -> Moment? { leases.book.nextEnd() }

    /// A connection has closed: the leases that last as long end now.
    package mutating func disconnected(_ session: UInt64) {
        if !leases.book.isEmpty { leases.book.disconnected(session, at: clock()) }
    }

    /// A process has ended, and its leases with it. Forgets as many of them as it has time for; true once there are none left.
    package mutating func processEnded(_ process: ProcessBirth, until end: Moment = Moment(nanoseconds: .max)) -> Bool {
        while let id = leases.book.leases(of: process).first {
            forget(id)
            if Moment.now >= end { break }
        }
        return leases.book.leases(of: process).isEmpty
    }

    // The process of it is gone.
    private mutating func forget(_ id: LeaseInfo.ID) {
        guard let lease = leases.book[id] else { return }
        leases.remove(id)
        guard lease.term != .forGood else { return }
        for part in lease.parts {
            audit.returned(Restoration(part.resource, .processEnded), of: lease, because: .processEnded)
        }
    }

    /// Ends a lease: each limit falls to what it was or what others hold, if it still is as it was set here and the process
    /// still has the ids that it had. What cannot be taken back yet is tried again later.
    package mutating func takeBack(
        _ id: LeaseInfo.ID, on process: borrowing some TargetProcess & ~Copyable, by peer: Peer? = nil
    ) -> [Restoration] {
        guard let lease = leases.book[id] else { return [] }
        let cause = peer == nil ? lease.cause : .released
        var restorations = lease.parts.map { restore($0, of: lease, on: process) }
        if process.isKnownToHaveEnded {
            restorations = lease.parts.map { Restoration($0.resource, .processEnded) }
        }
        let left = lease.parts.filter { part in
            restorations.contains { $0.resource == part.resource && $0.outcome == .identityChanged }
        }
        for restoration in restorations where !lease.isOver || restoration.outcome != .identityChanged {
            audit.returned(restoration, of: lease, because: cause, by: peer)
        }
        if left.isEmpty { leases.remove(id) } else { putOff(lease, leaving: left) }
        return restorations
    }

    /// Of the process of a lease that is due nobody can tell anything now.
    mutating func putOff(_ id: LeaseInfo.ID) {
        guard let lease = leases.book[id] else { return }
        leases.book.end(id, at: clock() + Self.retryTime, because: lease.cause)
    }

    private mutating func putOff(_ lease: Lease, leaving parts: [LeasePart]) {
        let now = clock()
        for alone in leases.book.suspend(lease.id, until: now + Self.retryTime, leaving: parts) { leases.erase(alone) }
        guard !lease.isOver, var known = leases.book[lease.id] else { return }
        // The agent after this one tries at once.
        known.term = .duration
        known.endsAt = now
        try? leases.write(known)
    }

    private mutating func restore(
        _ part: LeasePart, of lease: Lease, on process: borrowing some TargetProcess & ~Copyable
    ) -> Restoration {
        let judged = Identity(pid: process.pid, credentials: lease.credentials)
        var last: Limit?
        // Where somebody else changes it at the same moment, it is theirs before the last try.
        for _ in 0..<4 {
            guard let now = try? process.read(part.resource) else { break }
            last = now
            switch leases.book.holdings.ending(of: lease, part.resource, now: now) {
            case .changed: return Restoration(part.resource, .changedByTarget, limit: now)
            case .stays(let byOthers):
                return Restoration(part.resource, byOthers ? .heldByAnotherLease : .restored, limit: now)
            case .falls(let target, let byOthers):
                guard let identity = try? process.identity(), identity == judged,
                    let outcome = try? writer.lower(
                        part.resource, from: now, to: target, of: process, judged: judged)
                else { return Restoration(part.resource, .identityChanged, limit: now) }
                guard outcome == .made else { continue }
                leases.book.holdings.set(part.resource, of: lease.process, to: target)
                return Restoration(part.resource, byOthers ? .heldByAnotherLease : .restored, limit: target)
            }
        }
        return Restoration(part.resource, last == nil ? .identityChanged : .changedByTarget, limit: last)
    }
}
