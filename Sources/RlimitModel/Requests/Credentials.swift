/// The six ids of a process that the kernel checks: real, effective and saved user and group id (credentials(7)).
package struct Credentials: Hashable, Sendable {
    package var realUID, effectiveUID, savedUID: UInt32
    package var realGID, effectiveGID, savedGID: UInt32

    package init(
        realUID: UInt32, effectiveUID: UInt32, savedUID: UInt32, realGID: UInt32, effectiveGID: UInt32, savedGID: UInt32
    ) {
        self.realUID = realUID
        self.effectiveUID = effectiveUID
        self.savedUID = savedUID
        self.realGID = realGID
        self.effectiveGID = effectiveGID
        self.savedGID = savedGID
    }

    /// Credentials with equal user ids and equal group ids.
    package init(uid: UInt32, gid: UInt32) {
        self.init(
            realUID: uid, effectiveUID: uid, savedUID: uid, realGID: gid, effectiveGID: gid, savedGID: gid)
    }

    /// Whether all three user ids are `uid` and all three group ids are `gid`, as the kernel requires for prlimit(2).
    package func are(uid: UInt32, gid: UInt32) -> Bool { self == Credentials(uid: uid, gid: gid) }

    /// Whether any of the three user ids is 0.
    package var includeRoot: Bool { realUID == 0 || effectiveUID == 0 || savedUID == 0 }
}

/// The id of a process in the agent's PID namespace and its six ids, read at one moment.
package struct ProcessCredentials: Hashable, Sendable {
    package var pid: Int32
    package var credentials: Credentials

    package init(pid: Int32, credentials: Credentials) {
        self.pid = pid
        self.credentials = credentials
    }
}
