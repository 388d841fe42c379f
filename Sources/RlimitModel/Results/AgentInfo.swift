/// Facts about the agent, and about the caller as the agent sees it.
public struct AgentInfo: Hashable, Sendable {
    /// The agent's version.
    public var version: String
    /// The release of the kernel, from uname(2).
    public var kernel: String
    /// The features of this agent on this kernel; PROTOCOL.md lists their names.
    public var features: [String]
    /// `fs.nr_open`: the maximum hard limit of open files.
    public var openFilesCeiling: UInt64
    /// Whether the agent holds CAP_SYS_RESOURCE in the initial user namespace, and so can raise hard limits.
    public var canRaise: Bool
    /// A short description of the policy in force, with the error of the last reload if it failed.
    public var policy: String
    /// The number of the policy in force: 1 at the start of the agent, and one more with each policy that replaces it.
    /// nil if the agent is older than this number.
    public var policyGeneration: UInt64?
    /// The main policy file, which need not exist; nil if the agent does not tell.
    public var policyPath: String?
    /// What the agent found to be wrong with its surroundings, one sentence each.
    public var warnings: [String]
    /// The caller.
    public var caller: Caller

    package init(
        version: String, kernel: String, features: [String], openFilesCeiling: UInt64, canRaise: Bool, policy: String,
        policyGeneration: UInt64? = nil, policyPath: String? = nil, warnings: [String] = [], caller: Caller
    ) {
        self.version = version
        self.kernel = kernel
        self.features = features
        self.openFilesCeiling = openFilesCeiling
        self.canRaise = canRaise
        self.policy = policy
        self.policyGeneration = policyGeneration
        self.policyPath = policyPath
        self.warnings = warnings
        self.caller = caller
    }

    /// The caller, as the kernel reports it and in the agent's namespaces.
    public struct Caller: Hashable, Sendable {
        /// The process id; nil if the agent cannot see the process.
        public var pid: Int32?
        /// The effective user id at connect.
        public var uid: UInt32
        /// The effective group id at connect.
        public var gid: UInt32
        /// The supplementary groups at connect.
        public var groups: [UInt32]
        /// Whether the kernel guarantees that `pid` is still the process that connected.
        public var isPinned: Bool
        /// The number of PID namespaces between the agent and the caller, plus one; nil if unknown.
        public var namespaceDepth: Int?
        /// The path of its cgroup.
        public var cgroup: String?
        /// Its security label.
        public var label: String?
        /// Whether its real, effective and saved ids differ. The agent answers such a caller only this request.
        public var hasMixedIDs: Bool
        /// Whether the agent receives pidfds from it: a rule lets it speak of other processes. nil if the agent does not
        /// tell.
        public var mayAttachPidfd: Bool?

        package init(_ peer: Peer, mayAttachPidfd: Bool? = nil) {
            pid = peer.pid
            uid = peer.uid
            gid = peer.gid
            groups = peer.groups
            isPinned = peer.isPinned
            namespaceDepth = peer.namespaceDepth
            cgroup = peer.cgroup
            label = peer.label
            hasMixedIDs = peer.hasMixedIDs
            self.mayAttachPidfd = mayAttachPidfd
        }
    }
}
