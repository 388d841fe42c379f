import Foundation

/// A real agent: the program `rlimitd`, started as root with a socket, a policy and a state folder of its own, and
/// already accepting connections. It is killed when the test lets go of it.
final class AgentProcess {
    let folder: AgentFolder
    private let options: [String]
    private var child: ChildProcess

    var socket: String { folder.socket }
    var pid: pid_t { child.pid }
    var files: ProcessFiles { ProcessFiles(pid: pid) }
    var isRunning: Bool { child.isRunning }

    /// Everything it has written: its log, the audit lines among it.
    var log: String { child.output + child.error }

    /// `prefix` are words before the command, such as those of prlimit(1); `errorFile` is where its log goes instead of `log`.
    init(policy: String, options: [String] = [], prefix: [String] = [], errorFile: Int32? = nil) throws {
        folder = try AgentFolder(policy: policy)
        self.options = options + (Machine.mayRaiseHardLimits ? [] : ["--allow-no-capability"])
        child = try ChildProcess(prefix + folder.command(options: self.options), errorFile: errorFile)
        try waitUntilAccepting()
    }

    /// Replaces the policy file, and tells the agent.
    func reload(policy: String) throws {
        try folder.write(policy: policy)
        child.send(SIGHUP)
    }

    func send(_ signal: Int32) { child.send(signal) }

    /// Waits for its end.
    @discardableResult
    func wait() throws -> ChildProcess.Result { try child.wait() }

    /// Ends it as a service manager does, and starts another with the same files.
    func restart() throws {
        child.send(SIGTERM)
        try child.wait()
        child = try ChildProcess(folder.command(options: options))
        try waitUntilAccepting()
    }

    /// Starts another with the same files, once this one has ended, however it did.
    func restartAfterExit(prefix: [String] = []) throws {
        try child.wait()
        child = try ChildProcess(prefix + folder.command(options: options))
        try waitUntilAccepting()
    }

    /// Ends it without a warning, and starts another with the same files.
    func killAndRestart() throws {
        child.send(SIGKILL)
        try restartAfterExit()
    }

    /// Waits for a line of the log that contains all of `words`, and returns the first.
    func logLine(containing words: String...) throws -> String {
        var found: String?
        do {
            try waitUntil("the log has a line with \(words)", seconds: 10) {
                found = log.split(separator: "\n").map(String.init).first { line in words.allSatisfy(line.contains) }
                return found != nil
            }
        } catch { throw ChildProcess.Failure(description: "\(error); the log is:\n\(log)") }
        return found ?? ""
    }

    private func waitUntilAccepting() throws {
        try waitUntil("the agent accepts") {
            guard child.isRunning else {
                throw ChildProcess.Failure(description: "the agent ended instead of accepting:\n\(log)")
            }
            return (try? RawConnection(to: socket).isAnswered()) == true
        }
    }
}
