package import RlimitModel

// Which cgroup a request speaks of. Every process in it is judged by itself afterwards.

extension Policy {
    /// The path of the cgroup that a target names.
    ///
    /// Callers in other PID namespaces, which are containers, get their own: a path is a name out of the agent's world.
    package func cgroup(of target: CgroupTarget, for peer: Peer) throws(RlimitError) -> String {
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
                    message: "the caller is in no pod: its cgroup is \(own), and pods are below \(roots)")
            }
            return String(pod)
        case .pod(let path?):
            try Policy.checkMayNamePath(from: peer)
            guard let pod = CgroupPath.pod(of: path, below: podRoots) else {
                throw RlimitError(.invalidArgument, message: "\(path) is in no pod; pods are below \(roots)")
            }
            return String(pod)
        }
    }

    /// Whether a process whose cgroup is `path` is in the cgroup `whole`, or in one within it.
    package static func isCgroup(_ path: String, within whole: String) -> Bool {
        CgroupPath.isRegular(path) && CgroupPath.isAtOrBelow(path, whole)
    }

    private var roots: String { podRoots.joined(separator: " and ") }

    private func ownCgroup(of peer: Peer) throws(RlimitError) -> String {
        guard peer.isPinned else {
            throw RlimitError(
                .unsupported,
                message:
                    "this kernel does not vouch for the process that connected (Linux 6.5 does), so its cgroup is not "
                    + "known; name the path")
        }
        guard let own = peer.cgroup, CgroupPath.isRegular(own) else {
            throw RlimitError(.noSuchProcess, message: "the caller is in no cgroup that the agent can see")
        }
        return own
    }

    private static func checkMayNamePath(from peer: Peer) throws(RlimitError) {
        guard !peer.sharesNamespace else { return }
        throw RlimitError(
            .deniedByPolicy,
            message: "a caller in a container may not name a cgroup by path; leave the path out for its own")
    }
}

package typealias CgroupTarget = Cgroup.Place
