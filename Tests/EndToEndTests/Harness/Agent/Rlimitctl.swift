/// Runs `rlimitctl` as a user with one agent.
struct Rlimitctl {
    var socket: String
    var account: Account

    init(_ agent: AgentProcess, as account: Account) {
        socket = agent.socket
        self.account = account
    }

    init(socket: String, as account: Account) {
        self.socket = socket
        self.account = account
    }

    /// Runs rlimitctl with these arguments and waits until it ends.
    func callAsFunction(_ arguments: String...) throws -> ChildProcess.Result {
        try self(words: arguments)
    }

    func callAsFunction(words arguments: [String]) throws -> ChildProcess.Result {
        try ChildProcess.run(
            account.setpriv + [try Programs.rlimitctl] + arguments,
            environment: ["RLIMITD_SOCKET": socket, "SUDO_UID": ""])
    }

    /// Runs a shell script that can call `rlimitctl`. `limits` are options of prlimit(1) for the shell.
    func shell(_ script: String, limits: [String] = []) throws -> ChildProcess.Result {
        let prlimit = limits.isEmpty ? [] : ["prlimit"] + limits
        return try ChildProcess.run(
            prlimit + account.setpriv + ["sh", "-c", "rlimitctl() { \(try Programs.rlimitctl) \"$@\"; }; \(script)"],
            environment: ["RLIMITD_SOCKET": socket, "SUDO_UID": ""])
    }
}
