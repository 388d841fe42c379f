import Foundation

/// A program that a test started. Its output goes to files, so it never blocks on a reader; it is killed and waited for
/// when the test lets go of it. Every wait has an end.
final class ChildProcess {
    let pid: pid_t
    private let outputFile: Int32
    private let errorFile: Int32
    private var status: Int32?

    /// What a started program left behind when it ended.
    struct Result {
        /// Its exit status, or 128 and the number of the signal that ended it.
        let status: Int32
        let output: String
        let error: String
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts `words`, the first of which is looked up in PATH. `environment` is added to our own; standard error is
    /// `givenErrorFile` instead of `error`, where it is given.
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

    /// What it has written to standard output so far.
    var output: String { Self.contents(of: outputFile) }
    /// What it has written to standard error so far.
    var error: String { Self.contents(of: errorFile) }

    /// Whether it has not ended yet.
    var isRunning: Bool {
        if status == nil {
            var raw: Int32 = 0
            // WIFEXITED and its like are macros, which Swift does not see.
            if waitpid(pid, &raw, WNOHANG) == pid { status = raw & 0x7f == 0 ? raw >> 8 & 0xff : 128 + raw & 0x7f }
        }
        return status == nil
    }

    func send(_ signal: Int32) {
        if isRunning { kill(pid, signal) }
    }

    /// Waits for the end of it; throws if that does not come in time.
    @discardableResult
    func wait(seconds: Double = 30) throws -> Result {
        try waitUntil("process \(pid) ends", seconds: seconds) { !isRunning }
        return Result(status: status ?? -1, output: output, error: error)
    }

    /// Runs `words` to their end.
    static func run(_ words: [String], environment: [String: String] = [:], seconds: Double = 30) throws -> Result {
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

/// Looks again and again until `condition` holds; throws, saying `what` was waited for, if it does not in time.
func waitUntil(_ what: String, seconds: Double = 30, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            throw ChildProcess.Failure(description: "waited \(seconds) s in vain until \(what)")
        }
        usleep(2000)
    }
}
