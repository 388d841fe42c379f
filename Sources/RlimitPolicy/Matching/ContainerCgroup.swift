package import RlimitModel

// Whose cgroup a caller's is: root in a container may make cgroups without end below its own, and all of them are one
// container's.

extension Policy {
    /// The part of a cgroup's path that whoever is in it did not choose: the container's, or the user's.
    ///
    /// - In a pod: the pod and the component below it, which is the container's.
    /// - `/user.slice/user-1000.slice`, whatever is below.
    /// - Slices and the unit in them: `/system.slice/docker-ID.scope`, `/machine.slice/libpod-ID.scope`.
    /// - One component below a folder of a runtime's, such as `/docker/ID`; else the first component.
    package func container(of path: String) -> String {
        // A name that looks like a removed cgroup's makes nobody another.
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

    // Folders in which runtimes without systemd keep their containers: Docker, Podman, LXC, and containerd's namespaces.
    private static let runtimes = [
        "docker", "podman", "libpod_parent", "lxc", "default", "k8s.io", "moby", "buildkit", "kubepods",
    ]

    /// Whether a caller looks after the agent, and so has connections kept free for it: root beside the agent, or whom a
    /// rule lets see its figures.
    package func isAdministrator(_ peer: Peer) -> Bool {
        guard peer.sharesNamespace, !peer.hasMixedIDs else { return false }
        if peer.uid == 0 { return true }
        return (try? authorize(Request(id: 0, .stats), from: peer).get()) != nil
    }
}

extension CgroupPath {
    /// The path up to so many components behind its first `bytes`; the whole path where it has no more.
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
