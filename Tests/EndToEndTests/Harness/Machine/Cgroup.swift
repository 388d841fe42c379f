import Foundation

/// A new cgroup below the root of the unified hierarchy or below another one. When it is released, its processes are
/// killed and it is removed.
final class Cgroup {
    /// The path as /proc/PID/cgroup shows it.
    let path: String
    private let folder: String
    private let parent: Cgroup?

    /// The mount point of the unified hierarchy.
    static let root =
        FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.procs")
        ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified"

    /// `path` may have several components, and existing ones are kept.
    init(_ path: String? = nil, in parent: Cgroup? = nil) throws {
        self.parent = parent
        self.path = (parent?.path ?? "") + "/" + (path ?? "rlimitd-test-\(UUID().uuidString.prefix(8))")
        folder = Self.root + self.path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        for _ in 0..<2000 {
            for pid in members { kill(pid, SIGKILL) }
            if rmdir(folder) == 0 || errno == ENOENT { break }
            usleep(1000)
        }
    }

    /// The processes in this cgroup, without those in cgroups below it.
    var members: [pid_t] {
        ((try? Machine.contents(of: folder + "/cgroup.procs")) ?? "").split(separator: "\n").compactMap { pid_t($0) }
    }

    func add(_ pid: pid_t) throws {
        let file = open(folder + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        let text = "\(pid)"
        guard write(file, text, text.utf8.count) == text.utf8.count else { throw RawConnection.failure("cgroup.procs") }
    }

    /// The words that, put before a command, run it in this cgroup.
    var enter: [String] { ["sh", "-c", "echo $$ >\(folder)/cgroup.procs && exec \"$@\"", "sh"] }

    /// Starts `count` processes in the cgroup and returns when all are there. They end when the result or the cgroup is
    /// released.
    func populate(_ count: Int, as account: Account, limits: [String] = []) throws -> ChildProcess {
        let before = members.count
        let prlimit = limits.isEmpty ? [] : ["prlimit"] + limits
        let script = "for (2..\(count)) { fork or last } sleep 600"
        let child = try ChildProcess(enter + prlimit + account.setpriv + ["perl", "-e", script])
        try waitUntil("\(count) processes are in \(path): \(child.error)") {
            members.count >= before + count
        }
        return child
    }
}
