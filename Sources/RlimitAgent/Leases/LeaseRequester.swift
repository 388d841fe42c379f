package import RlimitKernel
package import RlimitModel
package import RlimitPolicy

/// Whoever asks about leases over a connection.
package struct LeaseRequester: Sendable {
    let peer: Peer
    let holder: LeaseHolder
    let tenant: Tenant
    /// The connection.
    let session: UInt64

    /// - Parameter process: The one that connected; nil where it has no number here, or has ended.
    package init(_ peer: Peer, process: ProcessIdentity?, session: UInt64, policy: Policy) {
        self.peer = peer
        self.session = session
        tenant = Tenant(peer, policy)
        holder = LeaseHolder(process: process, uid: peer.uid, gid: peer.gid, sharesNamespace: peer.sharesNamespace)
    }

    /// Whether a lease is its own: the same connection's or process's, or of the same user beside the agent, where one
    /// program that has ended is followed by another.
    func owns(_ lease: Lease) -> Bool {
        if lease.session == session { return true }
        if let process = holder.process, process == lease.holder.process { return true }
        return lease.term == .duration && holder.sharesNamespace && lease.holder.sharesNamespace
            && holder.uid == lease.holder.uid
    }

    func info(of lease: Lease, at now: BootInstant) -> LeaseInfo {
        var builder = LeaseInfoBuilder(peer)
        return builder.info(of: lease, at: now)
    }
}
