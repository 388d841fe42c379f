import RlimitKernel
import RlimitModel

/// A user as rules see one who calls from outside of containers.
struct PolicyUser {
    let name: String
    let uid: UInt32
    let gid: UInt32
    let groups: [UInt32]

    /// A user of this system, by name or number.
    init(named text: String) throws {
        throw UsageError("there is no user \"\(text)\"")
    }

    /// The caller that the policy is asked about. It holds no capability and its cgroup is not known.
    func peer(pid: Int32) -> Peer { Peer(pid: pid, uid: uid, gid: gid, groups: groups) }
}
