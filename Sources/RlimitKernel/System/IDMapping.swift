package import RlimitModel

/// Which ids mean anything in our user namespace. Those that it does not know all show as one number (65534), which then is
/// nobody's.
package struct IDMapping: Hashable, Sendable {
    /// Every id is known: the map is the one of the initial namespace.
    package var hasAllUsers, hasAllGroups: Bool
    /// What unknown ids show as.
    package var overflowUID, overflowGID: UInt32

    package init(hasAllUsers: Bool, hasAllGroups: Bool, overflowUID: UInt32 = 65534, overflowGID: UInt32 = 65534) {
        self.hasAllUsers = hasAllUsers
        self.hasAllGroups = hasAllGroups
        self.overflowUID = overflowUID
        self.overflowGID = overflowGID
    }

    package func isMapped(uid: UInt32) -> Bool { uid != .max && (hasAllUsers || uid != overflowUID) }
    package func isMapped(gid: UInt32) -> Bool { gid != .max && (hasAllGroups || gid != overflowGID) }

    package func isMapped(_ credentials: Credentials) -> Bool {
        isMapped(uid: credentials.realUID) && isMapped(uid: credentials.effectiveUID)
            && isMapped(uid: credentials.savedUID)
            && isMapped(gid: credentials.realGID) && isMapped(gid: credentials.effectiveGID)
            && isMapped(gid: credentials.savedGID)
    }
}
