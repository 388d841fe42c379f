/// Who is at the other end of a connection, by the kernel's word, taken once when it was accepted.
package struct Peer: Hashable, Sendable {
    /// In the agent's PID namespace; nil where it has no number there.
    package var pid: Int32?
    package var uid: UInt32
    package var gid: UInt32
    /// The supplementary groups at connect.
    package var groups: [UInt32]
    /// The kernel vouches that `pid` is the process that connected (SO_PEERPIDFD, Linux 6.5).
    package var isPinned: Bool
    /// How many PID namespaces deep it lives, seen from the agent: 1 is the agent's own, nil is not known.
    package var namespaceDepth: Int?
    /// Its cgroup's path from the root of the hierarchy; nil where it could not be read or is not pinned.
    package var cgroup: String?
    /// Its security label, where a security module sets one.
    package var label: String?
    /// Some of its six ids differ from the connection's uid and gid: it gets nothing but `server_info`.
    package var hasMixedIDs: Bool
    /// Its permitted capabilities, a bit each (capabilities(7)).
    package var capabilities: UInt64

    package init(
        pid: Int32?, uid: UInt32, gid: UInt32, groups: [UInt32] = [], isPinned: Bool = true, namespaceDepth: Int? = 1,
        cgroup: String? = nil, label: String? = nil, hasMixedIDs: Bool = false, capabilities: UInt64 = 0
    ) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.isPinned = isPinned
        self.namespaceDepth = namespaceDepth
        self.cgroup = cgroup
        self.label = label
        self.hasMixedIDs = hasMixedIDs
        self.capabilities = capabilities
    }

    /// Whether it lives in the agent's own PID namespace, and so may name processes by number.
    package var sharesNamespace: Bool { namespaceDepth == 1 }
}
