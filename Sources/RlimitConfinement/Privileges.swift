internal import CCapNG
internal import CRlimitLinux
package import RlimitKernel

/// Reduces the privileges that the agent was started with: never root, and no capability but CAP_SYS_RESOURCE.
package enum Privileges {
    /// The restrictions under which the agent still starts.
    package struct Allowance: Hashable, Sendable {
        /// Start without CAP_SYS_RESOURCE. The agent then serves only what the kernel allows to every process.
        package var noCapability: Bool
        /// Start in a child user namespace, where the capability raises no hard limit.
        package var userNamespace: Bool
        /// Start in a PID namespace of its own, where callers outside of it cannot be identified.
        package var pidNamespace: Bool
        /// Start in a cgroup namespace of its own, where the paths of cgroups begin at its root.
        package var cgroupNamespace: Bool

        package init(
            noCapability: Bool = false, userNamespace: Bool = false, pidNamespace: Bool = false,
            cgroupNamespace: Bool = false
        ) {
            self.noCapability = noCapability
            self.userNamespace = userNamespace
            self.pidNamespace = pidNamespace
            self.cgroupNamespace = cgroupNamespace
        }
    }

    /// Switches to another user if the process is root, then drops all capabilities but one, permanently. Reads the
    /// result back and throws if it differs. Must run before any other thread starts. capabilities(7), setresuid(2),
    /// prctl(2).
    ///
    /// - Parameter user: The user to switch to. Required if the process is root, else it must be the current user.
    /// - Returns: The state that was read back.
    @discardableResult
    package static func dropToAgentUser(
        _ user: AgentPrivileges.UserID?, allowing allowance: Allowance = Allowance()
    ) throws(SetupError) -> PrivilegeState {
        let before = try check(allowance)
        let kept = before.permitted & Capability.sysResource
        let startedAsRoot = before.uids.contains(0)
        if startedAsRoot {
            guard let user else { throw SetupError("rlimitd never runs as root: say which user with --user") }
            try switchUser(user, keeping: kept)
        } else {
            if let user, before.uids.first != user.uid {
                throw SetupError("only root can become user \(user.uid): start rlimitd as root or as that user")
            }
            try keepUser(before, keeping: kept)
        }
        try check("prctl(PR_SET_NO_NEW_PRIVS)", rl_set_no_new_privileges())
        // The change of user cleared the flag, and on Linux 5.10 a process that is not dumpable cannot read its own
        // /proc/self/fdinfo. Setting it is safe: a tracer needs the agent's capability as well as its user id.
        try check("prctl(PR_SET_DUMPABLE)", rl_set_dumpable(1))
        return try verifyAllThreads(AgentPrivileges(capabilities: kept, user: startedAsRoot ? user : nil))
    }

    /// Checks whether the agent can start in this environment. Runs before the agent creates any file.
    ///
    /// - Returns: The privileges that the process was started with.
    @discardableResult
    package static func check(_ allowance: Allowance) throws(SetupError) -> PrivilegeState {
        let before = try state()
        if !SystemInfo.isInitialUserNamespace, !allowance.userNamespace {
            throw SetupError(
                "this is a child user namespace, where no hard limit can be raised: start rlimitd outside of it, or with "
                    + "--allow-user-namespace")
        }
        try checkNamespaces(allowance)
        if before.permitted & Capability.sysResource == 0, !allowance.noCapability {
            throw SetupError(missingCapabilityMessage(before))
        }
        return before
    }

    private static func checkNamespaces(_ allowance: Allowance) throws(SetupError) {
        if !NamespaceLink.pid.isInitial, !allowance.pidNamespace {
            throw SetupError(
                "this is not the initial PID namespace, and callers outside of it cannot be identified: start rlimitd in "
                    + "the initial one (in a container with --pid=host), or with --allow-pid-namespace")
        }
        guard SystemInfo.procHasOwnPIDs() else {
            throw SetupError(
                "/proc is not that of rlimitd's PID namespace, so its pids belong to other processes: mount -t proc proc "
                    + "/proc")
        }
        if !NamespaceLink.cgroup.isInitial, !allowance.cgroupNamespace {
            throw SetupError(
                "this is not the initial cgroup namespace, and rules would match other cgroups than they name: start "
                    + "rlimitd in the initial one (in a container with --cgroupns=host), or with "
                    + "--allow-cgroup-namespace")
        }
    }

    /// Checks whether the agent can become a user.
    @discardableResult
    package static func checkUser(_ user: AgentPrivileges.UserID) throws(SetupError) -> (uid: Int32, gid: Int32) {
        guard user.uid != 0, user.gid != 0, let uid = Int32(exactly: user.uid), let gid = Int32(exactly: user.gid)
        else {
            throw SetupError("user \(user.uid), group \(user.gid) cannot be the agent's: name another with --user")
        }
        return (uid, gid)
    }

    private static func switchUser(_ user: AgentPrivileges.UserID, keeping kept: UInt64) throws(SetupError) {
        let (uid, gid) = try checkUser(user)
        selectCapabilities(kept)
        // The bounding set comes first, because reducing it needs CAP_SETPCAP.
        try check("drop from the bounding set", capng_apply(CAPNG_SELECT_BOUNDS))
        try check("become user \(user.uid), group \(user.gid)", capng_change_id(uid, gid, CAPNG_DROP_SUPP_GRP))
        try check("drop capabilities", capng_apply(CAPNG_SELECT_CAPS))
        try check("clear the ambient capabilities", rl_clear_ambient())
    }

    private static func keepUser(_ before: PrivilegeState, keeping kept: UInt64) throws(SetupError) {
        selectCapabilities(kept)
        if before.effective & Capability.setpcap != 0 {
            try check("drop from the bounding set", capng_apply(CAPNG_SELECT_BOUNDS))
        }
        try check("clear the ambient capabilities", rl_clear_ambient())
        // A unit that grants exactly these capabilities may deny capset(2). A failure matters only if one must be
        // dropped.
        let dropped = capng_apply(CAPNG_SELECT_CAPS)
        if before.permitted == kept, before.effective == kept, before.inheritable & ~kept == 0 { return }
        try check("drop capabilities", dropped)
    }

    // Prepares the sets that the next capng_apply installs.
    private static func selectCapabilities(_ kept: UInt64) {
        capng_clear(CAPNG_SELECT_ALL)
        guard kept != 0 else { return }
        let sets = CAPNG_EFFECTIVE.rawValue | CAPNG_PERMITTED.rawValue | CAPNG_BOUNDING_SET.rawValue
        _ = capng_update(CAPNG_ADD, capng_type_t(rawValue: sets), UInt32(CAP_SYS_RESOURCE))
    }

    private static func verifyAllThreads(_ wanted: AgentPrivileges) throws(SetupError) -> PrivilegeState {
        let states: [PrivilegeState]
        do throws(SystemError) { states = try PrivilegeState.ofAllThreads() } catch {
            throw SetupError("cannot read what this process may do: \(error)")
        }
        for state in states {
            if let mismatch = wanted.mismatch(in: state) { throw SetupError(mismatch) }
        }
        return try state()
    }

    private static func state() throws(SetupError) -> PrivilegeState {
        do throws(SystemError) { return try PrivilegeState.now() } catch {
            throw SetupError("cannot read what this process may do: \(error)")
        }
    }

    private static func missingCapabilityMessage(_ state: PrivilegeState) -> String {
        let advice =
            if state.uids.contains(0) {
                "not even root has it here: put CAP_SYS_RESOURCE into the bounding set of the container or unit"
            } else {
                "start rlimitd as root, or with AmbientCapabilities=CAP_SYS_RESOURCE in its unit"
            }
        return "CAP_SYS_RESOURCE is missing; \(advice), or start with --allow-no-capability, which raises no hard limit"
    }

    // libcap-ng and the shim both return a negative number on failure.
    private static func check(_ what: String, _ result: Int32) throws(SetupError) {
        guard result >= 0 else { throw SetupError("cannot \(what) (\(result))") }
    }
}
