import RlimitModel
import RlimitWire

/// Makes a batch of edits under a lease.
struct LeaseCall: AgentCall {
    let request: AgentRequest
    private let batch: EditBatch

    init(_ batch: EditBatch, _ term: LeaseTerm, of resolvedTarget: ResolvedTarget) {
        self.batch = batch
        request = AgentRequest(.set(resolvedTarget.requestTarget, batch, lease: term), of: resolvedTarget)
    }

    func value(of reply: Reply) -> LeaseInfo? {
        guard case .changes(let changes, var lease?) = reply, changes.map(\.resource) == batch.map(\.resource) else {
            return nil
        }
        lease.changes = changes
        return lease
    }
}

struct LeaseRenewalCall: AgentCall {
    let request: AgentRequest
    private let id: LeaseInfo.ID

    init(_ id: LeaseInfo.ID, _ term: LeaseTerm) {
        self.id = id
        request = AgentRequest(.leaseRenew(id, term))
    }

    func value(of reply: Reply) -> LeaseInfo? {
        guard case .lease(let lease) = reply, lease.id == id else { return nil }
        return lease
    }
}

struct LeaseReleaseCall: AgentCall {
    let request: AgentRequest

    init(_ id: LeaseInfo.ID) { request = AgentRequest(.leaseRelease(id)) }

    func value(of reply: Reply) -> [Restoration]? {
        guard case .restorations(let restorations) = reply else { return nil }
        return restorations
    }
}

struct LeaseListCall: AgentCall {
    var request: AgentRequest { AgentRequest(.leaseList) }

    func value(of reply: Reply) -> [LeaseInfo]? {
        guard case .leases(let leases) = reply else { return nil }
        return leases
    }
}

extension LeaseTerm {
    /// - Parameter duration: Nil for as long as the connection lasts.
    /// - Throws: `.invalidArgument` for zero, a negative duration, or more than the protocol permits.
    init(_ duration: Duration?) throws(RlimitError) {
        guard let duration else {
            self = .connection
            return
        }
        let maxDuration = Duration.milliseconds(RequestBounds.maxLeaseMilliseconds)
        guard duration > .zero, duration <= maxDuration else {
            throw RlimitError(
                .invalidArgument,
                message:
                    "the duration of a lease is more than 0 and at most \(maxDuration.components.seconds / 86_400) days"
            )
        }
        self = .duration(duration)
    }
}

extension RlimitError {
    /// The lease has ended before a request to the agent.
    static func leaseEnded(_ id: LeaseInfo.ID, _ reason: String) -> RlimitError {
        RlimitError(.leaseEnded, message: "lease \(id) has ended: \(reason)")
    }
}

extension Resource {
    /// - Throws: `.unsupported`, `.invalidArgument`, as the agent would.
    static func requireLeasable(_ edits: [Edit]) throws(RlimitError) {
        guard !edits.isEmpty else { throw RlimitError(.invalidArgument, message: "there is no edit to lease") }
        for (index, edit) in edits.enumerated() where !edit.resource.isLeasable {
            let names = leasable.map(\.name).joined(separator: ", ")
            throw RlimitError(
                .unsupported,
                message:
                    "\(edit.resource) cannot be leased, because it cannot be restored safely; \(names) can",
                resource: edit.resource, editIndex: index)
        }
    }
}
