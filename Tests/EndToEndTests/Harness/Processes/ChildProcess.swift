import Foundation

/// A program that a test started. Its output goes to files, so it never waits for a reader. It is killed and reaped
/// when it is released. Every wait has a time limit.
final class ChildProcess {
    let pid: pid_t
    private let outputFile: Int32
    private let errorFile: Int32
    private var status: Int32?

    /// The exit status and the output of a program that has ended.
    struct Result {
        /// The exit status, or 128 plus the number of the signal that ended the program.
        let status: Int32
        let output: String
        let error: String
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - words: The program, which is looked up in PATH, and its arguments.
    ///   - environment: Variables that are added to the environment of the tests.
    ///   - givenErrorFile: The descriptor that becomes standard error; `error` is empty then.
    init(
        _ words: [String], environment: [String: String] = [:], errorFile givenErrorFile: Int32? = nil
    ) throws {
        outputFile = try Self.unnamedFile()
        errorFile = try Self.unnamedFile()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, outputFile, 1)
        posix_spawn_file_actions_adddup2(&actions, givenErrorFile ?? errorFile, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var child: pid_t = 0
        let fault = Self.withCStrings(words) { arguments in
            Self.withCStrings(variables) { posix_spawnp(&child, words[0], &actions, &attributes, arguments, $0) }
        }
        guard fault == 0 else { throw Failure(description: "\(words[0]): \(String(cString: strerror(fault)))") }
        pid = child
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        close(outputFile)
        close(errorFile)
    }

    /// The standard output so far.
    var output: String { Self.contents(of: outputFile) }
    /// The standard error output so far.
    var error: String { Self.contents(of: errorFile) }

    /// Whether the program has not ended yet.
    var isRunning: Bool {
        if status == nil {
            var raw: Int32 = 0
            // Swift does not import WIFEXITED and the like, which are macros.
            if waitpid(pid, &raw, WNOHANG) == pid { status = raw & 0x7f == 0 ? raw >> 8 & 0xff : 128 + raw & 0x7f }
        }
        return status == nil
    }

    func send(_ signal: Int32) {
        if isRunning { kill(pid, signal) }
    }

    /// Waits until the program ends. Throws after `seconds`.
    @discardableResult
    func wait(seconds: Double = 120) throws -> Result {
        try waitUntil("process \(pid) ends", seconds: seconds) { !isRunning }
        return Result(status: status ?? -1, output: output, error: error)
    }

    /// Starts a program and waits until it ends.
    static func run(_ words: [String], environment: [String: String] = [:], seconds: Double = 120) throws -> Result {
        try ChildProcess(words, environment: environment).wait(seconds: seconds)
    }

    private static func unnamedFile() throws -> Int32 {
        let name = "/tmp/rlimitd-test-output.\(UUID().uuidString)"
        let file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0o600)
        guard file >= 0 else { throw Failure(description: "\(name): \(String(cString: strerror(errno)))") }
        unlink(name)
        return file
    }

    private static func contents(of file: Int32) -> String {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while case let count = pread(file, &block, block.count, off_t(bytes.count)), count > 0 {
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}

/// Waits until `condition` holds. Throws an error with `what` after `seconds`, which leave room for a busy machine.
func waitUntil(_ what: String, seconds: Double = 60, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            throw ChildProcess.Failure(description: "waited \(seconds) s until \(what), which did not happen")
        }
        usleep(2000)
    }
}
