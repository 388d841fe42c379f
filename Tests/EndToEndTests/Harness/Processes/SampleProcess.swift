import Foundation

/// A process for the agent to act on: it sleeps, as the user and with the limits that the test chose.
final class SampleProcess {
    private let child: ChildProcess
    var pid: pid_t { child.pid }
    var files: ProcessFiles { ProcessFiles(pid: pid) }

    /// `limits` are options of prlimit(1), such as "--nofile=4096:4096"; `program` must take a number of seconds.
    init(as account: Account, limits: [String] = [], program: String = "sleep") throws {
        // The limits first: root may set any, the account may not.
        let prlimit = limits.isEmpty ? [] : ["prlimit"] + limits
        child = try ChildProcess(prlimit + account.setpriv + [program, "600"])
        let name = String((program as NSString).lastPathComponent.prefix(15))
        try waitUntil("\(program) runs") {
            guard child.isRunning else { throw ChildProcess.Failure(description: "\(program): \(child.error)") }
            return try files.name == name
        }
    }

    /// Ends it, and waits until nothing is left of it.
    func end() throws {
        child.send(SIGKILL)
        try child.wait()
    }
}
