internal import CRlimitLinux
internal import Glibc
package import RlimitModel

/// Who is at the other end of a connection, and that process, held.
package struct AcceptedPeer: ~Copyable {
    package var peer: Peer
    /// nil where the process had ended before it could be held.
    package var pidfd: Pidfd?

    package init(peer: Peer, pidfd: consuming Pidfd?) {
        self.peer = peer
        self.pidfd = pidfd
    }
}

extension StreamSocket {
    /// Asks the kernel who connected: once, when the connection was accepted. SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD,
    /// SO_PEERSEC.
    ///
    /// - Throws: Whatever the kernel did not answer as expected. Close the connection then: nothing stands in for an answer.
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
        // A switch borrows; `if let` would take the descriptor away.
        switch pidfd {
        case .some(let pinned): try peer.addProcDetails(pinned)
        case .none: break
        }
        return AcceptedPeer(peer: peer, pidfd: pidfd)
    }

    /// The process that connected, as `peer()` has it, once more; nil where it has ended and was reaped. SO_PEERPIDFD.
    package func peerPidfd() throws(SystemError) -> Pidfd? {
        do throws(SystemError) { return try PeerSocketOptions(number: descriptor.number).pidfd(.probed) } catch {
            // Kernels differ in what they call that.
            guard error.number == EINVAL || error.number == ESRCH else { throw error }
            return nil
        }
    }
}

extension Peer {
    // Fills in what /proc says of the process, if it still is the one that connected when all was read.
    fileprivate mutating func addProcDetails(_ pidfd: borrowing Pidfd) throws(SystemError) {
        guard let pid, let identity = try pidfd.processCredentials(), identity.pid == pid else { return }
        // What cannot be read stays unknown; a cgroup that is unknown matches no rule.
        let depth = try? pidfd.namespaceDepth()
        let status = try? ProcStatus(of: pid) { $0.permittedCapabilities != nil }
        // Not pinned, it could be another process by now, of the same user but elsewhere.
        let path = isPinned ? try? CgroupPath.read(of: pid) : nil
        guard !pidfd.hasEnded else { return }
        namespaceDepth = depth ?? nil
        capabilities = status?.permittedCapabilities ?? 0
        cgroup = path ?? nil
        hasMixedIDs = !identity.credentials.are(uid: uid, gid: gid)
    }
}
