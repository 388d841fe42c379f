import RlimitKernel

/// A process as it is shown: its pid and its command name (comm).
struct ProcessLabel: Hashable, Sendable, CustomStringConvertible {
    /// Nil for a process that has no pid in this PID namespace.
    let pid: Int32?
    /// The command name, safe to print; nil if it cannot be read or the process has ended.
    let command: String?

    init(pid: Int32?, command: String?) {
        self.pid = pid
        self.command = command
    }

    /// Reads the command name. proc_pid_comm(5).
    init(pid: Int32?) { self.init(pid: pid, command: pid.flatMap(Procfs.comm)) }

    /// "bash (pid 4242)"
    var description: String {
        pid.map { "\(command ?? "process") (pid \($0))" } ?? "a process without a pid in this PID namespace"
    }

    /// The cells of the columns PID and COMMAND.
    var cells: [String] { [pid.map(String.init) ?? "-", command ?? "-"] }

    /// The members of a JSON object that name the process.
    var members: [(String, JSON)] {
        [("pid", pid.map { .integer(Int($0)) } ?? .null), ("command", .optional(command))]
    }
}
