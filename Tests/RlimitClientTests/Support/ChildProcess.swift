import Glibc
import ScriptedAgents

/// A child process for a test. It is killed when the test releases it.
final class ChildProcess: Sendable {
    let pid: Int32

    /// Starts a process that sleeps after sh(1) has run the preparation.
    init(_ preparation: String = "") throws {
        pid = try spawn(["/bin/sh", "-c", preparation + " exec sleep 600"])
        // When it sleeps, its limits are set, and it opens no more libraries.
        while text(ofFile: "/proc/\(pid)/comm") != "sleep\n" || !text(ofFile: "/proc/\(pid)/stat").contains(") S ") {
            usleep(500)
        }
    }

    /// Kills it and leaves a zombie.
    func kill() {
        Glibc.kill(pid, SIGKILL)
        while !text(ofFile: "/proc/\(pid)/stat").contains(") Z ") { usleep(500) }
    }

    /// Kills it and reaps it.
    func end() {
        Glibc.kill(pid, SIGKILL)
        _ = exitStatus(of: pid)
    }

    deinit { end() }

    /// A limit from its /proc entry, as "soft hard".
    func shown(_ label: String) -> String {
        let line = text(ofFile: "/proc/\(pid)/limits").split(separator: "\n").first { $0.hasPrefix(label) } ?? ""
        return line.dropFirst(26).split(separator: " ").prefix(2).joined(separator: " ")
    }
}

struct SpawnError: Error {
    let number: Int32
}

/// posix_spawn(3). Foundation's `Process` waits in a run loop, and its children inherit the thread's blocked signals.
func spawn(_ arguments: [String], output: Int32? = nil, environment: [String: String] = [:]) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output {
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var variables = ["PATH=/usr/bin:/bin"]
    for (name, value) in environment { variables.append("\(name)=\(value)") }
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var entries: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
    defer { for pointer in words + entries { free(pointer) } }
    var pid: Int32 = 0
    let result = posix_spawn(&pid, arguments[0], &actions, &attributes, &words, &entries)
    guard result == 0 else { throw SpawnError(number: result) }
    return pid
}

func exitStatus(of pid: Int32) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status
}

/// Runs a program from the folder of the test binary after a preparation in sh(1). Returns its output lines.
func run(
    _ program: String, _ arguments: [String], after preparation: String = ":", environment: [String: String] = [:]
) throws -> [String] {
    let folder = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let path = folder.joined(separator: "/") + "/" + program
    // A file, not a pipe: other children of this process may hold a pipe open.
    let scratch = ScriptedAgent.temporaryFolder()
    let file = scratch + "/output"
    defer {
        unlink(file)
        rmdir(scratch)
    }
    let number = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SpawnError(number: errno) }
    let words = ["/bin/sh", "-c", preparation + "; exec \"$@\"", "sh", path] + arguments
    let pid: Int32
    do {
        defer { close(number) }
        pid = try spawn(words, output: number, environment: environment)
    }
    let status = exitStatus(of: pid)
    let output = text(ofFile: file)
    let lines = output.split(separator: "\n").map(String.init)
    return status == 0 ? lines : lines + ["status \(status)"]
}

func text(ofFile path: String) -> String {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return "" }
    defer { close(number) }
    var all: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(number, &part, part.count)
        guard count > 0 else { return String(decoding: all, as: UTF8.self) }
        all += part.prefix(count)
    }
}
