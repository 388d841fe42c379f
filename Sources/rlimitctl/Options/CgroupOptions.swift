import ArgumentParser
import RlimitClient

/// Of the commands that may speak of every process of a cgroup or pod.
struct CgroupOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Every process of a cgroup and of those below it: a path such as /system.slice/nginx.service, or \"own\".",
            valueName: "path"))
    var cgroup: String?

    @Option(
        help: ArgumentHelp(
            "Every process of a pod: \"own\", or the path of its cgroup or of one below it.", valueName: "path"))
    var pod: String?

    /// The word for the caller's own; every path begins with a slash.
    static let own = "own"

    /// What was named, if something was.
    var selected: Cgroup? {
        if let cgroup { return cgroup == Self.own ? .own : Cgroup(path: Self.path(cgroup)) }
        if let pod { return pod == Self.own ? .pod : .pod(at: Self.path(pod)) }
        return nil
    }

    func validate() throws {
        for (option, path) in [("--cgroup", cgroup), ("--pod", pod)] {
            guard let path, path != Self.own, !path.hasPrefix("/") else { continue }
            throw ValidationError(
                "\(option) needs \"\(Self.own)\", or a path from the root of the hierarchy, such as /system.slice/nginx.service."
            )
        }
    }

    /// One process, one cgroup, or one pod.
    func requireAlone(_ process: ProcessOptions) throws { try requireAlone(isProcessNamed: process.pid != nil) }

    func requireAlone(isProcessNamed: Bool) throws {
        if [isProcessNamed, cgroup != nil, pod != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--pid, --cgroup and --pod exclude each other.")
        }
    }

    /// Of a command that is about one process.
    func requireNone(_ what: String) throws {
        if selected != nil {
            throw ValidationError("\(what) is about one process, not about a cgroup or pod; name one in it by --pid.")
        }
    }

    /// How JSON names it.
    var members: [(String, JSON)] {
        let path = { (word: String) in JSON.string(word == Self.own ? word : Self.path(word)) }
        return [("cgroup", cgroup.map(path) ?? .null), ("pod", pod.map(path) ?? .null)]
    }

    // The path that a shell completes is that of the folder in which the hierarchy is mounted.
    private static func path(_ word: String) -> String {
        let mount = "/sys/fs/cgroup/"
        guard word.hasPrefix(mount) else { return word }
        let path = word.dropFirst(mount.count - 1)
        return String(path.hasSuffix("/") && path.count > 1 ? path.dropLast() : path)
    }
}
