import Testing

/// On the machine's own kernel, without the capability.
@Suite("Callers in user namespaces")
struct UserNamespaceTests {
    @Test func `A member of a denied group that drops the group in a user namespace is still denied`() throws {
        try UserNamespaceCase(raising: false).droppedGroup()
    }

    @Test func `A deny rule about a user covers the subordinate ids that it had at the last reload`() throws {
        try UserNamespaceCase(raising: false).subordinateUser()
    }
}

/// With the capability, also on a kernel that does not pin peers.
@Suite("Callers in user namespaces", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct UserNamespacesNeedsCapability {
    @Test func `A denied group that was dropped in a user namespace grants no raise`() throws {
        try UserNamespaceCase(raising: true).droppedGroup()
    }

    @Test func `A subordinate id gets no raise that a rule denies its user`() throws {
        try UserNamespaceCase(raising: true).subordinateUser()
    }
}
