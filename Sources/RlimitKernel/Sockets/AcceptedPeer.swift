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
            isPinned: features.hasPeerPidfd, namespaceDepth: nil, hasMixedIDs: true,
            unknownIDs: credentials.pid > 0 ? .ended : .outsidePIDNamespace,
            // Until /proc shows otherwise: what is unknown must not pass for a proof.
            isInChildUserNamespace: true, hasVerifiedGroups: features.hasPeerPidfd)
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
        let known: ProcessCredentials?
        do throws(SystemError) { known = try pidfd.processCredentials() } catch {
            guard error.cause == .noAccess else { throw error }
            unknownIDs = .hidden
            return
        }
        guard let pid, let identity = known, identity.pid == pid else { return }
        // Details that cannot be read stay unknown. An unknown cgroup matches no rule.
        let depth = try? pidfd.namespaceDepth()
        let (status, hasSameGroups) = readStatus(of: pid)
        let isInChildUserNamespace = Procfs.mayBeInOtherUserNamespace(pid)
        // Without a pinned pidfd the pid could by now name another process with this uid in another cgroup.
        let path = isPinned ? try? CgroupPath.read(of: pid) : nil
        guard !pidfd.hasEnded else { return }
        namespaceDepth = depth ?? nil
        capabilities = status?.permittedCapabilities ?? 0
        cgroup = path ?? nil
        hasMixedIDs = !identity.credentials.are(uid: uid, gid: gid)
        unknownIDs = nil
        self.isInChildUserNamespace = isInChildUserNamespace
        hasVerifiedGroups = isPinned || hasSameGroups
    }

    // Also tells whether the groups are those of the connection. Compares them only if the pid could name another
    // process by now. A list that is longer than the buffer of `ProcFile` counts as different.
    private func readStatus(of pid: Int32) -> (ProcStatus?, hasSameGroups: Bool) {
        var status = ProcStatus()
        var hasSameGroups = false
        do throws(SystemError) {
            var file = try ProcFile(ProcPath(pid, "status"))
            try file.forEachLine { line in
                status.parse(line)
                if !isPinned, line.starts(with: "Groups:") { hasSameGroups = lists(line) }
                return status.permittedCapabilities == nil
            }
        } catch {
            return (nil, false)
        }
        return (status, hasSameGroups)
    }

    // Whether a "Groups:" line lists exactly the groups of the connection. The kernel keeps both lists sorted.
    private func lists(_ line: Span<UInt8>) -> Bool {
        var position = "Groups:".utf8.count
        var count = 0
        while let number = line.number(at: &position) {
            guard let group = UInt32(exactly: number) else { return false }
            // `groups` has no unmapped ones.
            guard SystemInfo.idMapping.isMapped(gid: group) else { continue }
            guard count < groups.count, groups[count] == group else { return false }
            count += 1
        }
        return count == groups.count
    }
}

/// The socket options that identify the peer. Every length is checked, and no id has a default.
private struct PeerSocketOptions {
    let number: Int32

    /// The pid (0 if it has none in this PID namespace) and the effective ids at connect. SO_PEERCRED.
    func credentials() throws(SystemError) -> rl_peer_credentials {
        var credentials = rl_peer_credentials(pid: -1, uid: .max, gid: .max)
        let expected = UInt32(MemoryLayout<rl_peer_credentials>.size)
        var length = expected
        try SystemCall.value("SO_PEERCRED") { unsafe rl_peer_credentials(number, &credentials, &length) }
        guard length == expected, credentials.pid >= 0 else { throw SystemError(number: EPROTO, call: "SO_PEERCRED") }
        // An id that is not mapped in this user namespace identifies no user.
        guard SystemInfo.idMapping.isMapped(uid: credentials.uid), SystemInfo.idMapping.isMapped(gid: credentials.gid)
        else {
            throw SystemError(number: EPERM, call: "SO_PEERCRED")
        }
        return credentials
    }

    /// All supplementary groups at connect. SO_PEERGROUPS.
    func groups() throws(SystemError) -> [UInt32] {
        let size = UInt32(MemoryLayout<UInt32>.size)
        var capacity = 32
        // The list does not change after connect, so the second attempt has enough room.
        for _ in 0..<2 {
            var groups = [UInt32](repeating: .max, count: capacity)
            var length = UInt32(capacity) * size
            let result = SystemCall.retrying { unsafe rl_peer_groups(number, &groups, &length) }
            if result == -ERANGE, length / size > capacity, length / size <= 65536 {
                capacity = Int(length / size)
                continue
            }
            guard result == 0 else { throw SystemError(number: -result, call: "SO_PEERGROUPS") }
            guard length % size == 0, length / size <= capacity else { break }
            groups.removeLast(capacity - Int(length / size))
            groups.removeAll { !SystemInfo.idMapping.isMapped(gid: $0) }
            return groups
        }
        throw SystemError(number: EPROTO, call: "SO_PEERGROUPS")
    }

    /// A pidfd of the process that connected, which the kernel has pinned since then. SO_PEERPIDFD.
    func pidfd(_ features: KernelFeatures) throws(SystemError) -> Pidfd {
        var pidfd: Int32 = -1
        let expected = UInt32(MemoryLayout<Int32>.size)
        var length = expected
        try SystemCall.value("SO_PEERPIDFD") { unsafe rl_peer_pidfd(number, &pidfd, &length) }
        guard length == expected, pidfd >= 0 else { throw SystemError(number: EPROTO, call: "SO_PEERPIDFD") }
        let descriptor = FileDescriptor(owning: pidfd)
        try SystemCall.value("fcntl") { rl_set_close_on_exec(pidfd) }
        return Pidfd(owning: descriptor, features: features)
    }

    /// The security label. nil if no security module sets one. SO_PEERSEC.
    func label() throws(SystemError) -> String? {
        var bytes = InlineArray<4096, UInt8>(repeating: 0)
        var length = UInt32(4096)
        var span = bytes.mutableSpan
        let result = unsafe span.withUnsafeMutableBytes { raw in
            unsafe rl_peer_security(number, raw.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
        }
        if result == -ENOPROTOOPT { return nil }
        guard result == 0 else { throw SystemError(number: -result, call: "SO_PEERSEC") }
        guard length <= 4096 else { throw SystemError(number: EPROTO, call: "SO_PEERSEC") }
        var end = Int(length)
        while end > 0, bytes[end - 1] == 0 || bytes[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        return end > 0 ? bytes.span.string(0..<end) : nil
    }
}
