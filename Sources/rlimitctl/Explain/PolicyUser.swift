import RlimitKernel
import RlimitModel

/// A user as rules see one who calls from outside of containers.
struct PolicyUser {
    let name: String
    let uid: UInt32
    let gid: UInt32
    let groups: [UInt32]

    /// The caller that the policy is asked about. Which cgroup it would be in is not known, and it holds no capability.
    func peer(pid: Int32) -> Peer { Peer(pid: pid, uid: uid, gid: gid, groups: groups) }
}

extension PolicyUser {
    /// A user of this system, by name or number.
    init(named text: String) throws {
        guard let user = UInt32(text).map({ UserDatabase.user($0) }) ?? UserDatabase.user(named: text) else {
            throw UsageError("there is no user \"\(text)\"")
        }
        self.init(name: user.name, uid: user.uid, gid: user.gid, groups: UserDatabase.groups(of: user))
    }
}
