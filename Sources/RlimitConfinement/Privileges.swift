internal import CCapNG
internal import CRlimitLinux
package import RlimitKernel

/// The way from what the agent was started with to what it keeps: never root, CAP_SYS_RESOURCE and nothing else.
package enum Privileges {
    /// What the agent may do without.
    package struct Allowance: Hashable, Sendable {
        /// Start without CAP_SYS_RESOURCE, and serve what the kernel allows to everyone.
        package var noCapability: Bool
        /// Start in a child user namespace, where the capability raises no hard limit.
        package var userNamespace: Bool

        package init(noCapability: Bool = false, userNamespace: Bool = false) {
            self.noCapability = noCapability
            self.userNamespace = userNamespace
        }
    }

    /// Becomes the agent: another user if started as root, then only the one capability, for good. Reads back what came of it
    /// and refuses anything else. To be called before any other thread is started. capabilities(7), setresuid(2), prctl(2).
    ///
    /// - Parameter user: Whom to become; must be given where started as root, and be who we are where not.
    /// - Returns: What was read back.
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
        // The change of user cleared it, and on Linux 5.10 a process that is not dumpable cannot read its own
        // /proc/self/fdinfo. Nobody gains by it: tracing us takes our capability as well as our user id.
        try check("prctl(PR_SET_DUMPABLE)", rl_set_dumpable(1))
        return try verifyAllThreads(AgentPrivileges(capabilities: kept, user: startedAsRoot ? user : nil))
    }

    /// Whether the agent may start here at all: to be known before anything is made for it.
    ///
    /// - Returns: What it was started with.
    @discardableResult
    package static func check(_ allowance: Allowance) throws(SetupError) -> PrivilegeState {
        let before = try state()
        if !SystemInfo.isInitialUserNamespace, !allowance.userNamespace {
            throw SetupError(
                "this is a child user namespace, where no hard limit can be raised: start rlimitd outside of it, or with "
                    + "--allow-user-namespace")
        }
        if before.permitted & Capability.sysResource == 0, !allowance.noCapability {
            throw SetupError(missingCapabilityMessage(before))
        }
        return before
    }

    private static func switchUser(_ user: AgentPrivileges.UserID, keeping kept: UInt64) throws(SetupError) {
        guard user.uid != 0, user.gid != 0, let uid = Int32(exactly: user.uid), let gid = Int32(exactly: user.gid)
        else {
            throw SetupError("user \(user.uid), group \(user.gid) cannot be the agent's: name another with --user")
        }
        selectCapabilities(kept)
        // The bounding set first, as long as we may.
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
        // A unit that gave exactly this may forbid capset(2); then there is nothing that must be dropped.
        let dropped = capng_apply(CAPNG_SELECT_CAPS)
        if before.permitted == kept, before.effective == kept, before.inheritable & ~kept == 0 { return }
        try check("drop capabilities", dropped)
    }

    // What libcap-ng is to make of us by the next capng_apply.
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

    // libcap-ng and the shim both answer below 0 where something failed.
    private static func check(_ what: String, _ result: Int32) throws(SetupError) {
        guard result >= 0 else { throw SetupError("cannot \(what) (\(result))") }
    }
}
