import Foundation

/// A real agent: the program `rlimitd`, started as root with a socket, a policy and a state folder of its own, and
/// already accepting connections. It is killed when the test lets go of it.
final class AgentProcess {
    let socket: String
    let policyFile: String
    private let folder: String
    private let options: [String]
    private var child: ChildProcess

    var pid: pid_t { child.pid }
    var files: ProcessFiles { ProcessFiles(pid: pid) }

    /// Everything it has written: its log, the audit lines among it.
    var log: String { child.output + child.error }

    init(policy: String, options: [String] = []) throws {
        folder = try TemporaryFolder.make(mode: 0o755)
        socket = folder + "/run/rlimitd.sock"
        policyFile = folder + "/policy.toml"
        self.options = options
        try FileManager.default.createDirectory(
            atPath: folder + "/run", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        try Self.write(policy, to: policyFile)
        child = try Self.start(folder: folder, options: options)
        try waitUntilItAccepts()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The words that start an agent whose files are in `folder`.
    static func command(folder: String, options: [String] = []) throws -> [String] {
        let needed = Machine.mayRaiseHardLimits ? [] : ["--allow-no-capability"]
        return [
            try Programs.rlimitd, "--socket", folder + "/run/rlimitd.sock", "--policy", folder + "/policy.toml",
            "--state-dir", folder + "/state", "--user", "\(Account.agent.uid):\(Account.agent.gid)",
        ] + needed + options
    }

    /// Replaces the policy file, and tells the agent.
    func reload(policy: String) throws {
        try Self.write(policy, to: policyFile)
        child.send(SIGHUP)
    }

    func send(_ signal: Int32) { child.send(signal) }

    /// Waits for its end.
    func wait() throws -> ChildProcess.Result { try child.wait() }

    /// Ends it as a service manager does, and starts another with the same files.
    func restart() throws {
        child.send(SIGTERM)
        try child.wait()
        child = try Self.start(folder: folder, options: options)
        try waitUntilItAccepts()
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

    private static func start(folder: String, options: [String]) throws -> ChildProcess {
        try ChildProcess(command(folder: folder, options: options))
    }

    private static func write(_ policy: String, to path: String) throws {
        try Data(policy.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        chmod(path, 0o644)
    }

    private func waitUntilItAccepts() throws {
        try waitUntil("the agent accepts") {
            guard child.isRunning else {
                throw ChildProcess.Failure(description: "the agent ended instead of accepting:\n\(log)")
            }
            return (try? RawConnection(to: socket)) != nil
        }
    }
}
