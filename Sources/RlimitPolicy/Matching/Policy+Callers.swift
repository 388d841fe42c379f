package import RlimitModel

// Facts about callers that the agent asks for.

extension Policy {
    /// The part of a cgroup path that the processes in the cgroup cannot choose: that of the container or of the user.
    /// Root in a container can create any number of cgroups below it, and all of them count as this container.
    ///
    /// - In a pod: the pod and the next component, which is the container.
    /// - `/user.slice/user-1000.slice` for everything below it.
    /// - The slices and the unit in them: `/system.slice/docker-ID.scope`, `/machine.slice/libpod-ID.scope`.
    /// - One component below the directory of a runtime, such as `/docker/ID`; otherwise the first component.
    package func container(of path: String) -> String {
        // The kernel marks removed cgroups so, and a user can name a cgroup so. Both belong to the container.
        let mark = " (deleted)"
        if CgroupPath.ends(path.utf8, in: mark) {
            return container(of: String(path.utf8.dropLast(mark.utf8.count)) ?? "")
        }
        if let pod = CgroupPath.pod(of: path, below: podRoots) {
            return CgroupPath.prefix(of: path, beyond: pod.utf8.count, components: 1)
        }
        let components = CgroupPath.components(of: path)
        if let first = components.first, first.elementsEqual("user.slice".utf8) {
            return CgroupPath.prefix(of: path, beyond: 0, components: 2)
        }
        var count = 0
        for component in components {
            count += 1
            if CgroupPath.ends(component, in: ".slice") || component.elementsEqual("..".utf8) { continue }
            if Self.runtimes.contains(where: { component.elementsEqual($0.utf8) }) { count += 1 }
            break
        }
        return CgroupPath.prefix(of: path, beyond: 0, components: count)
    }

    // Directories in which runtimes without systemd place containers: Docker, Podman, LXC, and containerd's namespaces.
    private static let runtimes = [
        "docker", "podman", "libpod_parent", "lxc", "default", "k8s.io", "moby", "buildkit", "kubepods",
    ]

    /// Whether a caller is an administrator, for whom the agent reserves connections: root in the agent's PID
    /// namespace, or a caller that a rule permits `stats`.
    package func isAdministrator(_ peer: Peer) -> Bool {
        guard peer.sharesNamespace, !peer.hasMixedIDs else { return false }
        if peer.uid == 0 { return true }
        return (try? authorize(Request(id: 0, .stats), from: peer).get()) != nil
    }

    /// Whether some rule grants this caller something.
    package func hasRule(for peer: Peer) -> Bool {
        !peer.hasMixedIDs && allowList.candidates(for: peer).contains { $0.covers(peer, subordinates) }
    }

    /// Whether some rule lets this caller name processes other than itself.
    package func mayTargetOthers(_ peer: Peer) -> Bool {
        !peer.hasMixedIDs
            && allowList.candidates(for: peer).contains {
                $0.target.relation != .itself && !$0.operations.isDisjoint(with: .onProcesses)
                    && $0.covers(peer, subordinates)
            }
    }
}

extension CgroupPath {
    /// The first `bytes` bytes of the path and up to `components` components after them.
    fileprivate static func prefix(of path: String, beyond bytes: Int, components: Int) -> String {
        let text = path.utf8
        var end = text.index(text.startIndex, offsetBy: bytes)
        for _ in 0..<components {
            guard end < text.endIndex else { break }
            end = text[text.index(after: end)...].firstIndex(of: UInt8(ascii: "/")) ?? text.endIndex
        }
        return String(path[..<end])
    }
}
