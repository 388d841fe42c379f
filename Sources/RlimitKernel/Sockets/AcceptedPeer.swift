internal import CRlimitLinux
internal import Glibc
package import RlimitModel

/// The peer of an accepted connection, and a pidfd of its process.
package struct AcceptedPeer: ~Copyable {
    package var peer: Peer
    /// nil if the process ended before its pidfd could be opened.
    package var pidfd: Pidfd?

    package init(peer: Peer, pidfd: consuming Pidfd?) {
        self.peer = peer
        self.pidfd = pidfd
    }
}

extension StreamSocket {
    /// Reads the identity of the peer from the kernel. Called once, after accept. SO_PEERCRED, SO_PEERGROUPS,
    /// SO_PEERPIDFD, SO_PEERSEC.
    ///
    /// - Throws: If a result is missing or malformed. The caller must then close the connection: no default replaces a
    ///   result.
    package func peer(features: KernelFeatures = .probed) throws(SystemError) -> AcceptedPeer {
        let socket = PeerSocketOptions(number: descriptor.number)
        let credentials = try socket.credentials()
        let groups = try socket.groups()
        var peer = Peer(
            pid: credentials.pid > 0 ? credentials.pid : nil, uid: credentials.uid, gid: credentials.gid,
            groups: groups,
            isPinned: features.hasPeerPidfd, namespaceDepth: nil, hasMixedIDs: true)
        let pidfd: Pidfd?
        if features.hasPeerPidfd {
            pidfd = try socket.pidfd(features)
            peer.label = try socket.label()
        } else if let pid = peer.pid {
            pidfd = try? Pidfd.open(pid: pid, features: features)
        } else {
            pidfd = nil
        }
        // A switch borrows the noncopyable value; `if let` would consume it.
        switch pidfd {
        case .some(let pinned): try peer.addProcDetails(pinned)
        case .none: break
        }
        return AcceptedPeer(peer: peer, pidfd: pidfd)
    }

    /// Opens another pidfd of the process that connected. nil if it ended and was reaped. SO_PEERPIDFD.
    package func peerPidfd() throws(SystemError) -> Pidfd? {
        do throws(SystemError) { return try PeerSocketOptions(number: descriptor.number).pidfd(.probed) } catch {
            // Kernels report a reaped process with either error.
            guard error.number == EINVAL || error.number == ESRCH else { throw error }
            return nil
        }
    }
}

extension Peer {
    // Adds the details that /proc shows. Discards them if the process has ended by the time all of them are read.
    fileprivate mutating func addProcDetails(_ pidfd: borrowing Pidfd) throws(SystemError) {
        guard let pid, let identity = try pidfd.processCredentials(), identity.pid == pid else { return }
        // Details that cannot be read stay unknown. An unknown cgroup matches no rule.
        let depth = try? pidfd.namespaceDepth()
        let status = try? ProcStatus(of: pid) { $0.permittedCapabilities != nil }
        // Without a pinned pidfd the pid could by now name another process with this uid in another cgroup.
        let path = isPinned ? try? CgroupPath.read(of: pid) : nil
        guard !pidfd.hasEnded else { return }
        namespaceDepth = depth ?? nil
        capabilities = status?.permittedCapabilities ?? 0
        cgroup = path ?? nil
        hasMixedIDs = !identity.credentials.are(uid: uid, gid: gid)
    }
}
