import ArgumentParser
import RlimitClient

/// Options of the commands that can work on every process of a cgroup or pod.
struct CgroupOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Every process of a cgroup and of the cgroups below it: a path such as /system.slice/nginx.service, or \
            "own" for the caller's cgroup.
            """,
            valueName: "path"))
    var cgroup: String?

    @Option(
        help: ArgumentHelp(
            """
            Every process of a pod: the path of the pod's cgroup or of a cgroup below it, or "own" for the caller's \
            pod.
            """,
            valueName: "path"))
    var pod: String?

    /// The value that stands for the caller's own cgroup or pod. A path begins with a slash, so the two cannot collide.
    static let own = "own"

    /// The cgroup or pod; nil if neither option is given.
    var selected: Cgroup? {
        if let cgroup { return cgroup == Self.own ? .own : Cgroup(path: Self.path(cgroup)) }
        if let pod { return pod == Self.own ? .pod : .pod(at: Self.path(pod)) }
        return nil
    }

    func validate() throws {
        for (option, path) in [("--cgroup", cgroup), ("--pod", pod)] {
            guard let path, path != Self.own, !path.hasPrefix("/") else { continue }
            throw ValidationError(
                "\(option) needs \"\(Self.own)\" or a path from the root of the cgroup hierarchy, such as /system.slice/nginx.service."
            )
        }
    }

    /// Rejects more than one of a process, a cgroup and a pod.
    func requireAlone(_ process: ProcessOptions) throws { try requireAlone(isProcessNamed: process.pid != nil) }

    func requireAlone(isProcessNamed: Bool) throws {
        if [isProcessNamed, cgroup != nil, pod != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--pid, --cgroup and --pod exclude each other.")
        }
    }

    /// Rejects both options, for a command or option that works on one process.
    func requireNone(_ feature: String) throws {
        if selected != nil {
            throw ValidationError(
                "\(feature) works on one process, not on a cgroup or pod; select a process with --pid.")
        }
    }

    /// The members of a JSON object that name the cgroup or pod.
    var members: [(String, JSON)] {
        let path = { (value: String) in JSON.string(value == Self.own ? value : Self.path(value)) }
        return [("cgroup", cgroup.map(path) ?? .null), ("pod", pod.map(path) ?? .null)]
    }

    // A shell completes the path below the mount point, /sys/fs/cgroup, with a slash at the end.
    private static func path(_ value: String) -> String {
        let mount = "/sys/fs/cgroup/"
        guard value.hasPrefix(mount) else { return value }
        let path = value.dropFirst(mount.count - 1)
        return String(path.hasSuffix("/") && path.count > 1 ? path.dropLast() : path)
    }
}
