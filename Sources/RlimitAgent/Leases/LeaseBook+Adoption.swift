import RlimitKernel
import RlimitModel

extension LeaseBook {
    /// Takes over the leases that an agent before this one wrote down of one process, given its limits now.
    ///
    /// One that is not in the limits is due at once: that agent ended before it had given it, or when it had taken it back.
    ///
    /// - Returns: What was kept for good only beside leases that are gone.
    mutating func adopt(_ known: [Lease], limits: Limits) -> [LeaseInfo.ID] {
        let latest = Self.holdings(of: known, limits).filter { resource, holding in
            holding.explains(limits[resource]) && !holding.isIdle
        }
        heed(known)
        var alone: [LeaseInfo.ID] = []
        for lease in known {
            let held = lease.parts.filter { latest[$0.resource]?.contains(lease.id) == true }
            if lease.term == .forGood, held.isEmpty {
                alone.append(lease.id)
                continue
            }
            for part in held {
                if let holding = latest[part.resource] { holdings.adopt(holding, part.resource, of: lease.process) }
            }
            register(lease)
            let isWhole = held.allSatisfy { part in
                latest[part.resource]?.isEffective(part.hold, in: limits[part.resource]) ?? true
            }
            if !isWhole, lease.term != .forGood { schedule(lease.id, at: Moment(nanoseconds: 0)) }
        }
        return alone
    }

    /// What is granted from now on is not mixed up with leases that are written down.
    mutating func heed(_ known: [Lease]) {
        for lease in known { for part in lease.parts { holdings.start(after: part.generation) } }
    }

    // Of the holdings of one limit the last.
    private static func holdings(of known: [Lease], _ limits: Limits) -> [Resource: Holding] {
        var latest: [Resource: Holding] = [:]
        for lease in known {
            for part in lease.parts where part.generation > latest[part.resource]?.generation ?? 0 {
                latest[part.resource] = Holding(
                    generation: part.generation, original: part.original, current: limits[part.resource])
            }
        }
        for lease in known {
            for part in lease.parts where latest[part.resource]?.generation == part.generation {
                latest[part.resource]?.insert(lease, part.hold)
            }
        }
        return latest
    }
}
