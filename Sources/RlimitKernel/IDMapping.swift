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

    package func knows(uid: UInt32) -> Bool { uid != .max && (hasAllUsers || uid != overflowUID) }
    package func knows(gid: UInt32) -> Bool { gid != .max && (hasAllGroups || gid != overflowGID) }

    package func knows(_ six: Credentials) -> Bool {
        knows(uid: six.realUID) && knows(uid: six.effectiveUID) && knows(uid: six.savedUID)
            && knows(gid: six.realGID) && knows(gid: six.effectiveGID) && knows(gid: six.savedGID)
    }
}
