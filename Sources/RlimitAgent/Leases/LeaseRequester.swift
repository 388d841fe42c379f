package import RlimitKernel
package import RlimitModel
package import RlimitPolicy

/// The caller of a request about leases.
package struct LeaseRequester: Sendable {
    let peer: Peer
    let holder: LeaseHolder
    let tenant: Tenant
    /// The token of the connection.
    let session: UInt64

    /// - Parameter process: The process that connected; nil where it has no pid in the agent's PID namespace, or has
    ///   ended.
    package init(_ peer: Peer, process: ProcessIdentity?, session: UInt64, policy: Policy) {
        self.peer = peer
        self.session = session
        tenant = Tenant(peer, policy)
        holder = LeaseHolder(process: process, uid: peer.uid, gid: peer.gid, sharesNamespace: peer.sharesNamespace)
    }

    /// Whether the caller owns a lease: by its connection, by its process, or by its uid.
    ///
    /// A uid owns leases by duration in the agent's PID namespace, so that a program can manage those of an earlier
    /// run.
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
