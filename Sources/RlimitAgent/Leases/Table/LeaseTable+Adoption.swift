import RlimitKernel
import RlimitModel

extension LeaseTable {
    /// Takes over the leases that an agent before this one wrote down of one process, given its limits now.
    ///
    /// One that is not in the limits is due at once: that agent ended before it had given it, or when it had taken it back.
    ///
    /// - Returns: What was kept for good only beside leases that are gone.
    mutating func adopt(_ known: [Lease], limits: Limits) -> [LeaseInfo.ID] {
        let latest = Self.leasedLimits(of: known, limits).filter { resource, leasedLimit in
            leasedLimit.isConsistent(with: limits[resource]) && !leasedLimit.isIdle
        }
        reserveGenerations(of: known)
        var orphans: [LeaseInfo.ID] = []
        for lease in known {
            let heldParts = lease.parts.filter { latest[$0.resource]?.contains(lease.id) == true }
            if lease.term == .permanent, heldParts.isEmpty {
                orphans.append(lease.id)
                continue
            }
            for part in heldParts {
                if let leasedLimit = latest[part.resource] {
                    leasedLimits.adopt(leasedLimit, part.resource, of: lease.process)
                }
            }
            register(lease)
            let isWhole = heldParts.allSatisfy { part in
                latest[part.resource]?.isEffective(part.bounds, in: limits[part.resource]) ?? true
            }
            if !isWhole, lease.term != .permanent { schedule(lease.id, at: BootInstant(nanoseconds: 0)) }
        }
        return orphans
    }

    /// What is granted from now on is not mixed up with leases that are written down.
    mutating func reserveGenerations(of known: [Lease]) {
        for lease in known { for part in lease.parts { leasedLimits.reserveGenerations(upTo: part.generation) } }
    }

    // Of the holdings of one limit the last.
    private static func leasedLimits(of known: [Lease], _ limits: Limits) -> [Resource: LeasedLimit] {
        var latest: [Resource: LeasedLimit] = [:]
        for lease in known {
            for part in lease.parts where part.generation > latest[part.resource]?.generation ?? 0 {
                latest[part.resource] = LeasedLimit(
                    generation: part.generation, original: part.original, current: limits[part.resource])
            }
        }
        for lease in known {
            for part in lease.parts where latest[part.resource]?.generation == part.generation {
                latest[part.resource]?.insert(lease, part.bounds)
            }
        }
        return latest
    }
}
