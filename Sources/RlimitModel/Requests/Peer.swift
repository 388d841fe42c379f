/// The process at the other end of a connection. The agent asks the kernel once, when it accepts the connection.
package struct Peer: Hashable, Sendable {
    /// Its process id in the agent's PID namespace; nil if it has none there.
    package var pid: Int32?
    package var uid: UInt32
    package var gid: UInt32
    /// The supplementary groups at connect.
    package var groups: [UInt32]
    /// Whether the kernel guarantees that `pid` is the process that connected (SO_PEERPIDFD, Linux 6.5).
    package var isPinned: Bool
    /// The depth of its PID namespace, counted from the agent's own, which is 1; nil if unknown.
    package var namespaceDepth: Int?
    /// The path of its cgroup from the root of the hierarchy; nil if it is not readable or the peer is not pinned.
    package var cgroup: String?
    /// Its security label, if a security module sets one.
    package var label: String?
    /// Whether one of its six ids differs from the connection's uid or gid, or may differ. The agent answers it only
    /// `server_info`.
    package var hasMixedIDs: Bool
    /// Why the agent does not know its six ids; nil if it knows them.
    package var unknownIDs: UnknownIDs?
    /// Its permitted capabilities, one bit each (capabilities(7)).
    package var capabilities: UInt64
    /// Whether it is, or may be, in another user namespace than the agent. There a process can drop groups and take
    /// the subordinate ids of its user, so that an id which it does not have proves nothing.
    package var isInChildUserNamespace: Bool
    /// Whether `groups` are certainly those of the process with this pid. False only if the peer is not pinned.
    package var hasVerifiedGroups: Bool

    package init(
        pid: Int32?, uid: UInt32, gid: UInt32, groups: [UInt32] = [], isPinned: Bool = true, namespaceDepth: Int? = 1,
        cgroup: String? = nil, label: String? = nil, hasMixedIDs: Bool = false, unknownIDs: UnknownIDs? = nil,
        capabilities: UInt64 = 0, isInChildUserNamespace: Bool = false, hasVerifiedGroups: Bool = true
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
        self.unknownIDs = unknownIDs
        self.capabilities = capabilities
        self.isInChildUserNamespace = isInChildUserNamespace
        self.hasVerifiedGroups = hasVerifiedGroups
    }

    /// Whether its user may be in more groups than it has.
    package var mayLackGroups: Bool { isInChildUserNamespace || !hasVerifiedGroups }

    /// The reasons why the agent does not know the real, effective and saved ids of a peer.
    package enum UnknownIDs: Hashable, Sendable {
        /// It has no pid in the agent's PID namespace, which is not the initial one.
        case outsidePIDNamespace
        /// /proc hides it from the agent.
        case hidden
        /// It ended before they were read.
        case ended
    }

    /// Whether it is in the agent's own PID namespace, and may therefore name processes by id.
    package var sharesNamespace: Bool { namespaceDepth == 1 }
}
