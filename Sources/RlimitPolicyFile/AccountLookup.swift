import Glibc

/// Resolves names of users and groups to ids, and names the files of subordinate ids. Tests supply their own.
package struct AccountLookup: Sendable {
    package var userID: @Sendable (String) -> UInt32?
    package var groupID: @Sendable (String) -> UInt32?
    /// The files of subuid(5) and subgid(5); nil for none.
    package var subuid, subgid: String?

    package init(
        userID: @escaping @Sendable (String) -> UInt32?, groupID: @escaping @Sendable (String) -> UInt32?,
        subuid: String? = nil, subgid: String? = nil
    ) {
        self.userID = userID
        self.groupID = groupID
        self.subuid = subuid
        self.subgid = subgid
    }
}

extension AccountLookup {
    /// The accounts of this system, from the sources in nsswitch.conf(5). getpwnam_r(3), getgrnam_r(3).
    package static let system = AccountLookup(
        userID: { name in
            var account = unsafe passwd()
            return unsafe lookUp { buffer, size in
                var found: UnsafeMutablePointer<passwd>?
                let error = unsafe getpwnam_r(name, &account, buffer, size, &found)
                return unsafe (error, found.map { unsafe $0.pointee.pw_uid })
            }
        },
        groupID: { name in
            var account = unsafe group()
            return unsafe lookUp { buffer, size in
                var found: UnsafeMutablePointer<group>?
                let error = unsafe getgrnam_r(name, &account, buffer, size, &found)
                return unsafe (error, found.map { unsafe $0.pointee.gr_gid })
            }
        }, subuid: "/etc/subuid", subgid: "/etc/subgid")
}

// A group with many members needs a large buffer, which ERANGE indicates.
private func lookUp(_ ask: (UnsafeMutablePointer<CChar>, Int) -> (error: Int32, id: UInt32?)) -> UInt32? {
    var size = 4096
    while size <= 1 << 24 {
        // Only the id leaves this scope: the other fields point into the buffer.
        let (error, id) = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
            unsafe buffer.baseAddress.map { unsafe ask($0, size) } ?? (ENOMEM, nil)
        }
        switch error {
        case ERANGE: size *= 4
        case EINTR: continue
        default: return id
        }
    }
    return nil
}
