import Foundation

/// A sleeping target for the agent, with the user and the limits that a test chooses.
final class SampleProcess {
    private let child: ChildProcess
    var pid: pid_t { child.pid }
    var files: ProcessFiles { ProcessFiles(pid: pid) }

    /// - Parameters:
    ///   - limits: Options of prlimit(1), such as "--nofile=4096:4096".
    ///   - program: A program that takes a number of seconds.
    init(as account: Account, limits: [String] = [], program: String = "sleep") throws {
        // prlimit(1) comes first, because root may set any limit and the account may not.
        let prlimit = limits.isEmpty ? [] : ["prlimit"] + limits
        child = try ChildProcess(prlimit + account.setpriv + [program, "600"])
        let name = String((program as NSString).lastPathComponent.prefix(15))
        try waitUntil("\(program) runs") {
            guard child.isRunning else { throw ChildProcess.Failure(description: "\(program): \(child.error)") }
            return try files.name == name
        }
    }

    /// Kills the process and reaps it.
    func end() throws {
        child.send(SIGKILL)
        try child.wait()
    }
}
