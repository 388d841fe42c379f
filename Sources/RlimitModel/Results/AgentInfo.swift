/// The agent, and the caller as the agent sees it.
public struct AgentInfo: Hashable, Sendable {
    /// The agent's version.
    public var version: String
    /// The kernel's release, as uname(2) has it.
    public var kernel: String
    /// What this agent can do on this kernel; the words are in PROTOCOL.md.
    public var features: [String]
    /// `fs.nr_open`: the greatest hard limit of open files.
    public var openFilesCeiling: UInt64
    /// Whether the agent holds CAP_SYS_RESOURCE where that counts, and so can raise hard limits.
    public var canRaise: Bool
    /// The policy in force, in a few words; and why the last reload did not replace it, if it did not.
    public var policy: String
    /// Who is calling.
    public var caller: Caller

    package init(
        version: String, kernel: String, features: [String], openFilesCeiling: UInt64, canRaise: Bool, policy: String,
        caller: Caller
    ) {
        self.version = version
        self.kernel = kernel
        self.features = features
        self.openFilesCeiling = openFilesCeiling
        self.canRaise = canRaise
        self.policy = policy
        self.caller = caller
    }

    /// The caller, by the kernel's word and in the agent's namespaces.
    public struct Caller: Hashable, Sendable {
        /// nil where the agent cannot see the process.
        public var pid: Int32?
        /// The effective user id at connect.
        public var uid: UInt32
        /// The effective group id at connect.
        public var gid: UInt32
        /// The supplementary groups at connect.
        public var groups: [UInt32]
        /// Whether the kernel vouches that `pid` is still the process that connected.
        public var isPinned: Bool
        /// PID namespaces between the agent and the caller, plus one; nil is not known.
        public var namespaceDepth: Int?
        /// The path of its cgroup.
        public var cgroup: String?
        /// Its security label.
        public var label: String?
        /// Its real, effective and saved ids differ, so it is answered nothing but this.
        public var hasMixedIDs: Bool

        package init(_ peer: Peer) {
            pid = peer.pid
            uid = peer.uid
            gid = peer.gid
            groups = peer.groups
            isPinned = peer.isPinned
            namespaceDepth = peer.namespaceDepth
            cgroup = peer.cgroup
            label = peer.label
            hasMixedIDs = peer.hasMixedIDs
        }
    }
}
