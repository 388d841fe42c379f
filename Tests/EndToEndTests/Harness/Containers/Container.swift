import Foundation

/// A container made by runc or crun, in namespaces of its own, on the machine's own programs, read-only. The agent's socket
/// folder is mounted read-only where clients look for it. It is killed, and its cgroups removed, when the test lets go of it.
final class Container {
    let id: String
    /// As /proc/PID/cgroup has it outside.
    let cgroup: String
    private let account: Account
    private let runtime: [String]
    private let folder: String
    private let main: ChildProcess

    /// Whom `isolated` containers see as 0.
    static let firstMappedID: UInt32 = 100_000

    /// - Parameters:
    ///   - account: Who runs its first process, and what `run` starts.
    ///   - hasUserNamespace: Whether 0 in it is 100000 outside.
    ///   - neighbour: A container whose PID namespace it joins, as with shareProcessNamespace.
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
        // The runtime made those above too. Only what is empty can be removed.
        var path = cgroup
        while path.count > 1, rmdir(Cgroup.root + path) == 0 || errno == ENOENT {
            path = (path as NSString).deletingLastPathComponent
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Its first process, by its number outside; 0 before there is one.
    var pid: pid_t {
        get throws { pid_t((try? Machine.contents(of: folder + "/pid")) ?? "") ?? 0 }
    }

    /// Starts a program in it, as its user or as its root.
    func start(_ words: [String], asRoot: Bool = false) throws -> ChildProcess {
        let user = asRoot ? Account.root : account
        return try ChildProcess(runtime + ["exec", "--user", "\(user.uid):\(user.gid)", id] + words)
    }

    /// Runs a program in it to its end.
    func run(_ words: String..., asRoot: Bool = false) throws -> ChildProcess.Result {
        try start(words, asRoot: asRoot).wait()
    }

    /// Runs a shell script in it, that begins with 4096 as its hard limit of open files.
    func shell(_ script: String, asRoot: Bool = false) throws -> ChildProcess.Result {
        try run("sh", "-c", "ulimit -n 4096; " + script, asRoot: asRoot)
    }

    /// Starts a process in it that sleeps, with less than it may have; its number outside, and inside.
    func sleeper(limits: String = "ulimit -n 4096") throws -> (process: ChildProcess, outside: pid_t, inside: pid_t) {
        let process = try start(["sh", "-c", "\(limits); echo $$; exec sleep 601"])
        try waitUntil("the process in \(id) has said its number") { process.output.hasSuffix("\n") }
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
