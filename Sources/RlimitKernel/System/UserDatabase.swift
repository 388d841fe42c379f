internal import Glibc

/// Looks up users and groups in the databases of the system, by name and by id.
package enum UserDatabase {
    /// The id, primary group and name of a user.
    package struct User: Hashable, Sendable {
        package let uid: UInt32
        package let gid: UInt32
        package let name: String
    }

    /// getpwnam_r(3).
    package static func user(named name: String) -> User? {
        unsafe user { unsafe getpwnam_r(name, $0, $1, $2, $3) }
    }

    /// getpwuid_r(3).
    package static func user(_ uid: UInt32) -> User? {
        unsafe user { unsafe getpwuid_r(uid, $0, $1, $2, $3) }
    }

    /// getgrnam_r(3).
    package static func group(named name: String) -> UInt32? {
        unsafe group { unsafe getgrnam_r(name, $0, $1, $2, $3) }?.gid
    }

    /// getgrgid_r(3).
    package static func groupName(_ gid: UInt32) -> String? {
        unsafe group { unsafe getgrgid_r(gid, $0, $1, $2, $3) }?.name
    }

    package static func userName(_ uid: UInt32) -> String? { user(uid)?.name }

    /// All groups of a user, the primary group first. getgrouplist(3).
    package static func groups(of user: User) -> [UInt32] {
        var capacity: Int32 = 64
        while capacity <= 65536 {
            var groups = [UInt32](repeating: 0, count: Int(capacity))
            var count = capacity
            if unsafe getgrouplist(user.name, user.gid, &groups, &count) >= 0 {
                return Array(groups.prefix(Int(max(0, count))))
            }
            capacity = max(count, capacity * 2)
        }
        return [user.gid]
    }

    private typealias UserLookup = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func user(_ lookUp: UserLookup) -> User? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        return unsafe withGrowingBuffer { text, count in
            let result = unsafe lookUp(&entry, text, count, &found)
            guard result == 0, let name = unsafe found?.pointee.pw_name else { return (result, nil) }
            return unsafe (0, User(uid: entry.pw_uid, gid: entry.pw_gid, name: String(cString: name)))
        }
    }

    private typealias GroupLookup = (
        UnsafeMutablePointer<Glibc.group>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<Glibc.group>?>
    ) -> Int32

    private static func group(_ lookUp: GroupLookup) -> (gid: UInt32, name: String)? {
        var entry = unsafe Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        return unsafe withGrowingBuffer { text, count in
            let result = unsafe lookUp(&entry, text, count, &found)
            guard result == 0, let name = unsafe found?.pointee.gr_name else { return (result, nil) }
            return unsafe (0, (entry.gr_gid, String(cString: name)))
        }
    }

    // A buffer for the strings of the entry. It grows after ERANGE, because a group may have thousands of members.
    private static func withGrowingBuffer<Value>(
        _ body: (UnsafeMutablePointer<CChar>, Int) -> (result: Int32, value: Value?)
    ) -> Value? {
        var capacity = 1024
        while capacity <= 1 << 24 {
            let text = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
            defer { unsafe text.deallocate() }
            let outcome = unsafe body(text, capacity)
            guard outcome.result == ERANGE else { return outcome.value }
            capacity *= 4
        }
        return nil
    }
}
