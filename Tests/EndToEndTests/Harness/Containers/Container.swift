import Foundation

/// A container made by runc or crun, with its own namespaces and the machine's programs mounted read-only. The agent's
/// socket folder is mounted read-only at its default place. When the container is released, its processes are killed
/// and its cgroups removed.
final class Container {
    let id: String
    /// The path as /proc/PID/cgroup shows it outside the container.
    let cgroup: String
    private let account: Account
    private let runtime: [String]
    private let folder: String
    private let main: ChildProcess

    /// The id outside that is 0 inside a container with a user namespace.
    static let firstMappedID: UInt32 = 100_000

    /// - Parameters:
    ///   - account: The user of the first process and of the programs that `run` starts.
    ///   - hasUserNamespace: Whether the id 0 inside is 100000 outside.
    ///   - neighbour: A container with the PID namespace to join, as with shareProcessNamespace in Kubernetes.
    init(
        _ agent: AgentProcess, cgroup: String, id: String = "c" + UUID().uuidString.prefix(8).lowercased(),
        runtime: String = "runc", as account: Account = .alice, hasUserNamespace: Bool = false,
        sharingPIDsWith neighbour: Container? = nil
    ) throws {
        self.id = id
        self.cgroup = cgroup
        self.account = account
        folder = try TemporaryFolder.make(mode: 0o755)
        self.runtime =
            [runtime, "--root", folder + "/state"] + (runtime == "crun" ? ["--cgroup-manager=cgroupfs"] : [])
        for inner in ["dev", "proc", "usr", "opt", "run/rlimitd"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/root/\(inner)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/root/\(link)", withDestinationPath: "usr/\(link)")
        }
        var configuration = ContainerConfiguration(root: folder + "/root", cgroup: cgroup, account: account)
        configuration.bind("/usr", at: "/usr")
        if FileManager.default.fileExists(atPath: "/opt") { configuration.bind("/opt", at: "/opt") }
        configuration.bind((try Programs.rlimitctl as NSString).deletingLastPathComponent, at: "/usr/local/bin")
        configuration.bind((agent.socket as NSString).deletingLastPathComponent, at: "/run/rlimitd")
        configuration.hasUserNamespace = hasUserNamespace
        configuration.joinedPIDNamespace = try neighbour.map { "/proc/\(try $0.pid)/ns/pid" }
        try configuration.json.write(to: URL(fileURLWithPath: folder + "/config.json"))

        main = try ChildProcess(self.runtime + ["run", "--pid-file", folder + "/pid", "--bundle", folder, id])
        try waitUntil("container \(id) runs") {
            guard main.isRunning else { throw ChildProcess.Failure(description: "\(runtime): \(main.error)") }
            return (try? ProcessFiles(pid: pid).name) == "sleep"
        }
    }

    deinit {
        _ = try? ChildProcess.run(runtime + ["delete", "--force", id])
        main.send(SIGKILL)
        _ = try? main.wait()
        // The runtime also made the parents. rmdir(2) removes only empty ones.
        var path = cgroup
        while path.count > 1, rmdir(Cgroup.root + path) == 0 || errno == ENOENT {
            path = (path as NSString).deletingLastPathComponent
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The pid of the first process outside the container; 0 before it exists.
    var pid: pid_t {
        get throws { pid_t((try? Machine.contents(of: folder + "/pid")) ?? "") ?? 0 }
    }

    /// Starts a program in the container, as its user or as root.
    func start(_ words: [String], asRoot: Bool = false) throws -> ChildProcess {
        let user = asRoot ? Account.root : account
        return try ChildProcess(runtime + ["exec", "--user", "\(user.uid):\(user.gid)", id] + words)
    }

    /// Starts a program in the container and waits until it ends.
    func run(_ words: String..., asRoot: Bool = false) throws -> ChildProcess.Result {
        try start(words, asRoot: asRoot).wait()
    }

    /// Runs a shell script in the container, with a hard limit of 4096 open files at the start.
    func shell(_ script: String, asRoot: Bool = false) throws -> ChildProcess.Result {
        try run("sh", "-c", "ulimit -n 4096; " + script, asRoot: asRoot)
    }

    /// Starts a sleeping process in the container with low limits. Returns its pid outside and inside.
    func sleeper(limits: String = "ulimit -n 4096") throws -> (process: ChildProcess, outside: pid_t, inside: pid_t) {
        let process = try start(["sh", "-c", "\(limits); echo $$; exec sleep 601"])
        try waitUntil("the process in \(id) has printed its pid") { process.output.hasSuffix("\n") }
        guard let inside = pid_t(process.output.dropLast()) else {
            throw ChildProcess.Failure(description: process.output)
        }
        let members = try Machine.contents(of: "\(Cgroup.root)\(cgroup)/cgroup.procs").split(separator: "\n")
        let outside = members.compactMap { pid_t($0) }.first {
            (try? ProcessFiles(pid: $0).status("NSpid"))?.split(separator: " ").last.map(String.init) == "\(inside)"
        }
        guard let outside else { throw ChildProcess.Failure(description: "\(inside) is not in \(cgroup)") }
        return (process, outside, inside)
    }
}
