import RlimitKernel
import RlimitModel

/// A user as the caller of a policy query.
struct PolicyUser {
    let name: String
    let uid: UInt32
    let gid: UInt32
    let groups: [UInt32]

    /// The caller that the policy evaluates. It has no known cgroup and no capability.
    func peer(pid: Int32) -> Peer { Peer(pid: pid, uid: uid, gid: gid, groups: groups) }
}

extension PolicyUser {
    /// Looks up a user of this system by name or number.
    init(named text: String) throws {
        guard let user = UInt32(text).map({ UserDatabase.user($0) }) ?? UserDatabase.user(named: text) else {
            throw UsageError("there is no user \"\(text)\"")
        }
        self.init(name: user.name, uid: user.uid, gid: user.gid, groups: UserDatabase.groups(of: user))
    }
}
