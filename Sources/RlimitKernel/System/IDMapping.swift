package import RlimitModel

/// The ids that are mapped in this user namespace. Ids that are not mapped show as the overflow id (65534), which then
/// identifies no user.
package struct IDMapping: Hashable, Sendable {
    /// Whether every id is mapped, as in the initial namespace.
    package var hasAllUsers, hasAllGroups: Bool
    /// The ids that stand for ids which are not mapped.
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
