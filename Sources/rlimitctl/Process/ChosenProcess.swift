import Glibc
import RlimitClient
import RlimitKernel

/// The process that a command speaks of, held by a pidfd: its number cannot come to mean another one meanwhile.
struct ChosenProcess: ~Copyable {
    let pid: Int32
    /// Its six ids, where they can be seen.
    let credentials: Credentials?
    /// What it calls itself (comm), safe to print; nil where it cannot be seen.
    let command: String?
    private let handle: ProcessHandle

    /// The one that was named, or else the parent, where that is surely meant.
    init(_ options: ProcessOptions) throws {
        if let pid = options.pid {
            try self.init(pid: pid)
        } else {
            try self.init(parent: getppid())
        }
    }

    private init(parent: Int32) throws {
        var facts = ParentProcess(pid: parent, uid: nil, ownUID: getuid(), sudoUID: Environment["SUDO_UID"])
        // Without a pidfd of it a parent that is 1, 0 or gone is told apart by its number alone.
        let chosen = parent > 1 ? try? ChosenProcess(pid: parent) : nil
        facts.uid = chosen?.credentials?.realUID
        try facts.check()
        // Still the parent, so the pidfd is of the process that was asked about.
        guard let chosen, getppid() == parent else { throw UsageError("what started rlimitctl has ended, so say which process: --pid $$") }
        self = chosen
    }

    private init(pid: Int32) throws {
        handle = try ProcessHandle(pid: pid)
        self.pid = pid
        credentials = nil
        command = ProcessTable.comm(of: pid)
    }

    /// What the client is to speak of.
    var target: Target { handle.target }

    /// "bash (pid 4242)"
    var label: String { "\(command ?? "process") (pid \(pid))" }

    /// How JSON names it.
    var members: [(String, JSON)] { [("pid", .integer(Int(pid))), ("command", .optional(command))] }
}

extension ChosenProcess {
    /// "nofile 1024:4096 -> 65536:65536  bash (pid 4242)"
    func line(_ resource: Resource, from old: Limit, to new: Limit) -> String {
        "\(resource.name) \(resource.formatted(old)) -> \(resource.formatted(new))  \(label)"
    }
}

extension ChosenProcess {
    func subject() throws -> Subject { fatalError() }
    func detail() throws -> ProcessDetail { fatalError() }
}
