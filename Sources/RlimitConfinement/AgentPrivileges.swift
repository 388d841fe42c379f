/// The privileges that the agent keeps, and the check that it has exactly these.
package struct AgentPrivileges: Hashable, Sendable {
    /// CAP_SYS_RESOURCE, or the empty set.
    package var capabilities: UInt64
    /// The user that the agent switched to. nil if it kept the user and the groups it was started with.
    package var user: UserID?

    /// The ids of a user.
    package struct UserID: Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package init(uid: UInt32, gid: UInt32) {
            self.uid = uid
            self.gid = gid
        }

        /// The user without rights of Linux systems, and its group.
        package static let nobody: UserID = UserID(uid: 65534, gid: 65534)
    }

    package init(capabilities: UInt64, user: UserID?) {
        self.capabilities = capabilities
        self.user = user
    }

    /// Describes the first difference from these privileges and its remedy. nil if there is none.
    package func mismatch(in state: PrivilegeState) -> String? {
        guard state.isComplete else { return "/proc/self/status does not say what this process may do: mount /proc" }
        return identityMismatch(in: state) ?? capabilityMismatch(in: state)
    }

    private func identityMismatch(in state: PrivilegeState) -> String? {
        if state.uids.contains(0) || state.gids.contains(0) || state.groups.contains(0) {
            return
                "rlimitd never runs as root or in root's group: start it as root with --user, or as a user of its own "
                + "with --clear-groups"
        }
        guard Set(state.uids).count == 1, Set(state.gids).count == 1 else {
            return "the real, effective and saved ids differ: do not install rlimitd setuid or setgid"
        }
        guard let user else { return nil }
        guard state.uids.first == user.uid, state.gids.first == user.gid, state.groups.isEmpty else {
            return "did not become user \(user.uid), group \(user.gid), without other groups"
        }
        return nil
    }

    private func capabilityMismatch(in state: PrivilegeState) -> String? {
        guard state.hasNoNewPrivileges else { return "the kernel did not set no_new_privs" }
        guard state.permitted == capabilities, state.effective == capabilities else {
            return "the capabilities are \(Self.hexadecimal(state.permitted)), of them effective "
                + "\(Self.hexadecimal(state.effective)), and should be \(Self.hexadecimal(capabilities))"
        }
        guard state.ambient == 0, state.inheritable & ~Capability.sysResource == 0 else {
            return "capabilities would pass on to other programs: inheritable \(Self.hexadecimal(state.inheritable)), "
                + "ambient \(Self.hexadecimal(state.ambient))"
        }
        // Without a capability and with no_new_privs the bounding set has no effect, and only root could have reduced
        // it.
        if capabilities == 0, user == nil { return nil }
        guard state.bounding == capabilities else {
            return "the bounding set is \(Self.hexadecimal(state.bounding)) and should be "
                + "\(Self.hexadecimal(capabilities)): set CapabilityBoundingSet=CAP_SYS_RESOURCE in the unit, or start "
                + "rlimitd as root and let it see to that"
        }
        return nil
    }

    private static func hexadecimal(_ set: UInt64) -> String { "0x" + String(set, radix: 16) }
}
