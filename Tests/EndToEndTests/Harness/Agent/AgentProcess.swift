import Foundation

/// A running `rlimitd`, started as root with its own socket, policy and state folder. It already accepts connections,
/// and it is killed when it is released.
final class AgentProcess {
    let folder: AgentFolder
    private let options: [String]
    private var child: ChildProcess

    var socket: String { folder.socket }
    var pid: pid_t { child.pid }
    var files: ProcessFiles { ProcessFiles(pid: pid) }
    var isRunning: Bool { child.isRunning }

    /// All output so far: the log with the audit records.
    var log: String { child.output + child.error }

    /// - Parameters:
    ///   - prefix: Words before the command, such as those of prlimit(1).
    ///   - errorFile: The descriptor that takes the log; `log` is empty then.
    init(policy: String, options: [String] = [], prefix: [String] = [], errorFile: Int32? = nil) throws {
        folder = try AgentFolder(policy: policy)
        self.options = options + (Machine.mayRaiseHardLimits ? [] : ["--allow-no-capability"])
        child = try ChildProcess(prefix + folder.command(options: self.options), errorFile: errorFile)
        try waitUntilAccepting()
    }

    /// Replaces the policy file and sends SIGHUP.
    func reload(policy: String) throws {
        try folder.write(policy: policy)
        child.send(SIGHUP)
    }

    func send(_ signal: Int32) { child.send(signal) }

    /// Waits until the agent ends.
    @discardableResult
    func wait() throws -> ChildProcess.Result { try child.wait() }

    /// Ends the agent as a service manager does, and starts another with the same files.
    func restart() throws {
        child.send(SIGTERM)
        try child.wait()
        child = try ChildProcess(folder.command(options: options))
        try waitUntilAccepting()
    }

    /// Waits until the agent has ended, for any reason, and starts another with the same files.
    func restartAfterExit(prefix: [String] = []) throws {
        try child.wait()
        child = try ChildProcess(prefix + folder.command(options: options))
        try waitUntilAccepting()
    }

    /// Kills the agent and starts another with the same files.
    func killAndRestart() throws {
        child.send(SIGKILL)
        try restartAfterExit()
    }

    /// Waits for a line of the log that contains all of `words`, and returns the first such line.
    func logLine(containing words: String...) throws -> String {
        var found: String?
        do {
            try waitUntil("the log has a line with \(words)") {
                found = log.split(separator: "\n").map(String.init).first { line in words.allSatisfy(line.contains) }
                return found != nil
            }
        } catch { throw ChildProcess.Failure(description: "\(error); the log is:\n\(log)") }
        return found ?? ""
    }

    private func waitUntilAccepting() throws {
        try waitUntil("the agent accepts") {
            guard child.isRunning else {
                throw ChildProcess.Failure(description: "the agent ended before it accepted a connection:\n\(log)")
            }
            guard let connection = try? RawConnection(to: socket), (try? connection.isAnswered()) == true else {
                return false
            }
            // Waits until the agent has closed this connection, so that tests can count the agent's descriptors.
            shutdown(connection.descriptor, Int32(SHUT_WR))
            return try connection.response() == nil
        }
    }
}
