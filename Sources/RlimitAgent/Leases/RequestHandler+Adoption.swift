import RlimitKernel
import RlimitModel

// What an agent before this one has lent.
extension RequestHandler {
    /// Goes on with leases of one process, which lives. Connections that held some have so long to come back.
    mutating func adopt(_ known: [Lease], limits: Limits, reclaimTimeout: Duration) {
        let now = clock()
        let leases = known.map { lease in
            guard lease.term == .connection else { return lease }
            var lease = lease
            let end = now + reclaimTimeout
            lease.endsAt = min(lease.endsAt ?? end, end)
            lease.cause = .disconnected
            return lease
        }
        for orphan in self.leases.table.adopt(leases, limits: limits) { self.leases.erase(orphan) }
    }

    /// Is done with leases of a process that has ended.
    mutating func adoptEnded(_ known: [Lease]) {
        for lease in known {
            leases.erase(lease.id)
            guard lease.term != .permanent else { continue }
            for part in lease.parts {
                audit.leaseEnded(Restoration(part.resource, .processEnded), of: lease, because: .processEnded)
            }
        }
    }

    /// Of the process of these leases nobody can tell anything.
    mutating func leaveUnmanaged(_ known: [Lease], _ why: String) {
        leases.table.reserveGenerations(of: known)
        leases.logError("\(known.count) of an agent before this one are left as they are: \(why)")
    }

    func hasLeases(of process: ProcessIdentity) -> Bool { !leases.table.leases(of: process).isEmpty }

    /// Something of our own that went wrong about leases.
    func logLeaseError(_ what: String, _ error: SystemError) { leases.logError("\(what): \(error)") }
}
