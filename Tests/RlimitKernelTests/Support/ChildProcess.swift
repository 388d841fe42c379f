import Foundation
import Glibc
import Testing

/// A process of a test's own, which answers in lines and is gone when the test is.
final class ChildProcess {
    let pid: Int32
    private let input: Int32
    private let output: Int32
    private var unread: [UInt8] = []
    private var isReaped = false

    /// Starts a program with the arguments; its standard error is ours.
    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        var (toChild, fromChild): ([Int32], [Int32]) = ([0, 0], [0, 0])
        try #require(pipe(&toChild) == 0 && pipe(&fromChild) == 0)
        for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let variables = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var pid: Int32 = 0
        let result = posix_spawnp(&pid, program, &actions, nil, words, variables)
        close(toChild[0])
        close(fromChild[1])
        (self.pid, input, output) = (pid, toChild[1], fromChild[0])
        try #require(result == 0, "\(program): \(String(cString: strerror(result)))")
    }

    deinit {
        end()
        close(input)
        close(output)
    }

    /// The program that does what its arguments say, built beside the tests.
    static func probe(_ steps: String..., environment: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(probePath, steps, environment: environment)
    }

    /// One of the given ids, that does nothing.
    static func sleeping(uid: UInt32 = 0, gid: UInt32 = 0) throws -> ChildProcess {
        let child = try probe("groups=0", "gids=\(gid),\(gid),\(gid)", "ids=\(uid),\(uid),\(uid)", "wait")
        for _ in 0..<3 { try #require(try child.line() == "done") }
        return child
    }

    static let probePath = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("kernel-probe").path

    /// The next line of its output; fails after half a minute.
    func line() throws -> String {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeFirst(end + 1) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            try #require(poll(&entry, 1, 30_000) > 0, "no answer from process \(pid)")
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(output, &bytes, bytes.count)
            try #require(count > 0, "process \(pid) ended without an answer")
            unread += bytes[..<count]
        }
    }

    /// Lets a `wait` go on.
    func proceed() { _ = write(input, "go\n", 3) }

    /// Kills it and does not wait for it: a zombie, once the kernel is done with it.
    func becomeZombie() throws {
        kill(pid, SIGKILL)
        var info = siginfo_t()
        try #require(waitid(P_PID, id_t(pid), &info, Int32(WEXITED | WNOWAIT)) == 0)
    }

    /// Kills it, and waits until nothing of it is left.
    func end() {
        guard !isReaped else { return }
        isReaped = true
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// Waits for its own end; 128 and more is a signal.
    func waitForEnd() -> Int32 {
        var status: Int32 = 0
        isReaped = true
        waitpid(pid, &status, 0)
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}

extension ChildProcess {
    /// The probe as root of a user namespace of its own that knows ids 0 to 65535 as they are, where root holds every
    /// capability over what lives inside.
    static func probeInFullUserNamespace(_ steps: String...) throws -> ChildProcess {
        // What is executed before the map is written has no capability, what is executed after has all.
        let script = "read go; exec \"$0\" \"$@\""
        let child = try ChildProcess("unshare", ["--user", "sh", "-c", script, ChildProcess.probePath] + steps)
        // The map is written from outside, as only a root of outside may.
        let own = try String(contentsOfFile: "/proc/self/uid_map", encoding: .utf8)
        let deadline = ContinuousClock.now + .seconds(20)
        while try String(contentsOfFile: "/proc/\(child.pid)/uid_map", encoding: .utf8) == own {
            guard ContinuousClock.now < deadline else { throw NoUserNamespace() }
            usleep(1000)
        }
        try "0 0 65536".write(toFile: "/proc/\(child.pid)/uid_map", atomically: false, encoding: .utf8)
        try "0 0 65536".write(toFile: "/proc/\(child.pid)/gid_map", atomically: false, encoding: .utf8)
        child.proceed()
        return child
    }
}

/// unshare(1) made none: in a chroot, or where the administrator forbids it, that fails.
struct NoUserNamespace: Error {}
