import Foundation

/// A cgroup that a test made, below the root of the unified hierarchy or in another of the test's. It is removed, and
/// whatever lives in it killed, when the test lets go of it.
final class Cgroup {
    /// As /proc/PID/cgroup has it.
    let path: String
    private let folder: String
    private let parent: Cgroup?

    /// Where the unified hierarchy is mounted.
    static let root =
        FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.procs")
        ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified"

    /// `path` may have several components; those that are there already are left alone.
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

    /// The processes in it, those below not counted.
    var members: [pid_t] {
        ((try? Machine.contents(of: folder + "/cgroup.procs")) ?? "").split(separator: "\n").compactMap { pid_t($0) }
    }

    func add(_ pid: pid_t) throws {
        let file = open(folder + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        let text = "\(pid)"
        guard write(file, text, text.utf8.count) == text.utf8.count else { throw RawConnection.failure("cgroup.procs") }
    }

    /// The words that run a command in it, put before it.
    var enter: [String] { ["sh", "-c", "echo $$ >\(folder)/cgroup.procs && exec \"$@\"", "sh"] }

    /// Starts so many processes in it, and returns once all are there. They end when what is returned is let go of, or with
    /// the cgroup.
    func populate(_ count: Int, as account: Account, limits: [String] = []) throws -> ChildProcess {
        let before = members.count
        let prlimit = limits.isEmpty ? [] : ["prlimit"] + limits
        let script = "for (2..\(count)) { fork or last } sleep 600"
        let child = try ChildProcess(enter + prlimit + account.setpriv + ["perl", "-e", script])
        try waitUntil("\(count) processes are in \(path): \(child.error)", seconds: 60) {
            members.count >= before + count
        }
        return child
    }
}
