import Foundation
import Glibc
import RlimitClient

/// The error that a body throws; nil where it throws none.
func error(_ body: () throws -> some Any) -> RlimitError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? RlimitError
    }
}

/// A child process, killed with the last reference. It is made without Foundation, because `Process` needs a run loop.
final class Child {
    let pid: Int32
    private var isReaped = false

    struct Failure: Error { let number: Int32 }

    /// A child that sleeps.
    convenience init() throws { try self.init(["/bin/sleep", "600"]) }

    /// - Parameter output: The descriptor that becomes its standard output.
    init(_ words: [String], output: Int32 = 1) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in arguments { free(pointer) } }
        var pid: Int32 = 0
        let result = posix_spawn(&pid, words[0], &actions, nil, &arguments, environ)
        guard result == 0 else { throw Failure(number: result) }
        self.pid = pid
    }

    deinit { end() }

    /// Kills the child and reaps it.
    func end() {
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        waitForEnd()
    }

    /// Reaps the child, and returns its status. waitpid(2).
    @discardableResult
    func waitForEnd() -> Int32 {
        var status: Int32 = -1
        isReaped = true
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

/// The output and the status of `testing-probe`, a process in which threads and descriptors can be counted.
func testingProbe(_ argument: String) throws -> (lines: [String], status: Int32) {
    let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("testing-probe").path
    // A file, because other children of this process could hold a pipe open.
    var name = Array("/tmp/testing-probe-output-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    guard file >= 0 else { throw Child.Failure(number: errno) }
    defer { close(file) }
    unlink(name)
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    let status = try Child([path, argument], output: file).waitForEnd()
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = pread(file, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    return (text.split(separator: "\n").map(String.init), status)
}
