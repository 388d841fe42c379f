package import RlimitModel

// The cgroup that a request concerns. The policy decides on each process of it separately.

extension Policy {
    /// The path of the cgroup or pod that a target names.
    ///
    /// Callers in other PID namespaces, which are containers, can name only their own, because a path refers to the
    /// agent's cgroup namespace.
    package func cgroup(of target: Cgroup.Place, for peer: Peer) throws(RlimitError) -> String {
        switch target {
        case .cgroup(nil):
            return try ownCgroup(of: peer)
        case .cgroup(let path?):
            try Policy.checkMayNamePath(from: peer)
            return path
        case .pod(nil):
            let own = try ownCgroup(of: peer)
            guard let pod = CgroupPath.pod(of: own, below: podRoots) else {
                throw RlimitError(
                    .noSuchProcess,
                    message: "the caller is not in a pod: its cgroup is \(own), and pods are below \(roots)")
            }
            return String(pod)
        case .pod(let path?):
            try Policy.checkMayNamePath(from: peer)
            guard let pod = CgroupPath.pod(of: path, below: podRoots) else {
                throw RlimitError(.invalidArgument, message: "\(path) is not in a pod; pods are below \(roots)")
            }
            return String(pod)
        }
    }

    /// Whether the cgroup `path` is `whole` or below it.
    package static func isCgroup(_ path: String, within whole: String) -> Bool {
        CgroupPath.isRegular(path) && CgroupPath.isAtOrBelow(path, whole)
    }

    private var roots: String { podRoots.joined(separator: " and ") }

    private func ownCgroup(of peer: Peer) throws(RlimitError) -> String {
        guard peer.isPinned else {
            throw RlimitError(
                .unsupported,
                message:
                    "the cgroup of the caller is not known, because this kernel cannot pin the process that connected "
                    + "(Linux 6.5 can); give the path of the cgroup")
        }
        guard let own = peer.cgroup, CgroupPath.isRegular(own) else {
            throw RlimitError(.noSuchProcess, message: "the caller is not in a cgroup that the agent can see")
        }
        return own
    }

    private static func checkMayNamePath(from peer: Peer) throws(RlimitError) {
        guard !peer.sharesNamespace else { return }
        throw RlimitError(
            .deniedByPolicy,
            message: "a caller in a container may not name a cgroup by path; omit the path to name its own")
    }
}
