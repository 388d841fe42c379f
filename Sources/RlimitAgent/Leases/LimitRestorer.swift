import RlimitKernel
import RlimitModel

/// Restores limits whose leases have ended.
struct LimitRestorer: ~Copyable {
    private var writer = LimitWriter()

    /// Another writer that changes the limit between every read and write owns it after this many attempts.
    private static let maxAttempts = 4

    /// Lowers one limit to what it was before the lease or to what other leases hold, if it still is as the lease set
    /// it and the process still has the ids that it had at the grant.
    mutating func restore(
        _ part: LeasePart, of lease: Lease, on process: borrowing some TargetProcess & ~Copyable,
        in table: inout LeaseTable
    ) -> Restoration {
        let expectedIdentity = ProcessCredentials(pid: process.pid, credentials: lease.credentials)
        var last: Limit?
        for _ in 0..<Self.maxAttempts {
            guard let now = try? process.read(part.resource) else { break }
            last = now
            switch table.leasedLimits.effectOfEnding(of: lease, part.resource, now: now) {
            case .changedElsewhere: return Restoration(part.resource, .changedByTarget, limit: now)
            case .unchanged(let heldByOthers):
                return Restoration(part.resource, heldByOthers ? .heldByAnotherLease : .restored, limit: now)
            case .lowered(let target, let heldByOthers):
                guard let identity = try? process.identity(), identity == expectedIdentity,
                    let outcome = try? writer.lower(
                        part.resource, from: now, to: target, of: process, expectedIdentity: expectedIdentity)
                else { return Restoration(part.resource, .identityChanged, limit: now) }
                guard outcome == .written else { continue }
                table.recordLimit(part.resource, of: lease.process, target)
                return Restoration(part.resource, heldByOthers ? .heldByAnotherLease : .restored, limit: target)
            }
        }
        return Restoration(part.resource, last == nil ? .identityChanged : .changedByTarget, limit: last)
    }
}
