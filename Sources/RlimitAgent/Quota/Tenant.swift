import RlimitKernel
import RlimitModel
import RlimitPolicy

/// The holder of a quota: a user, or a container. Callers in other PID namespaces count by container, because root in a
/// container can take any uid.
enum Tenant: Hashable {
    case user(UInt32)
    case container(String)
    /// A caller in another PID namespace with an unknown container: before Linux 6.5 the kernel does not identify a
    /// peer's process. All of these together have a bounded number of connections, because one container could connect
    /// as all of their users.
    case unknownContainer(UInt32)

    init(_ peer: Peer, _ policy: Policy) {
        if peer.sharesNamespace {
            self = .user(peer.uid)
        } else if let cgroup = peer.cgroup, peer.isPinned {
            self = .container(policy.container(of: cgroup))
        } else {
            self = .unknownContainer(peer.uid)
        }
    }

    var isUnknownContainer: Bool {
        if case .unknownContainer = self { return true }
        return false
    }
}
