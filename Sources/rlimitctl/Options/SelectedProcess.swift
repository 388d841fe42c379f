import Glibc
import RlimitClient
import RlimitKernel
import RlimitPolicy

/// The process that a command speaks of, held by a pidfd: its number cannot come to mean another one meanwhile.
struct SelectedProcess: ~Copyable {
    let pid: Int32
    /// Its six ids, where they can be seen.
    let credentials: Credentials?
    /// What it calls itself (comm), safe to print; nil where it cannot be seen.
    let command: String?
    private let handle: ProcessHandle

    /// The one that was named, or else the parent, where that is surely meant.
    init(_ options: ProcessOptions) throws { try self.init(pid: options.pid) }

    /// The same, named by its number or not.
    init(pid named: Int32?) throws {
        let parent = ParentProcess(pid: getppid(), sudoUID: OwnProcess.environment("SUDO_UID"))
        if named == nil, let usageError = parent.usageError { throw usageError }
        let pid = named ?? parent.pid
        let handle = try ProcessHandle(pid: pid)
        let credentials = try? Pidfd.open(pid: pid).processCredentials()?.credentials
        if named == nil {
            let isStill = getppid() == parent.pid
            let uid = credentials?.realUID
            if let usageError = parent.usageError(uid: uid, ownUID: getuid(), isStill: isStill) { throw usageError }
        }
        self.handle = handle
        self.pid = pid
        self.credentials = credentials
        command = Procfs.comm(of: pid)
    }

    /// What the client is to speak of.
    var target: Target { handle.target }

    /// "bash (pid 4242)"
    var label: String { "\(command ?? "process") (pid \(pid))" }

    /// How JSON names it.
    var members: [(String, JSON)] { [("pid", .integer(Int(pid))), ("command", .optional(command))] }

    /// "nofile 1024:4096 -> 65536:65536  bash (pid 4242)"
    func line(_ resource: Resource, from old: Limit, to new: Limit) -> String {
        "\(resource.name) \(resource.formatted(old)) -> \(resource.formatted(new))  \(label)"
    }
}

extension SelectedProcess {
    /// It as a policy sees it.
    func subject(_ client: BlockingLimitClient) throws -> TargetSnapshot {
        guard let credentials else { throw Failure("the ids of \(label) cannot be seen from here") }
        return TargetSnapshot(
            identity: ProcessCredentials(pid: pid, credentials: credentials), isPeer: false,
            now: try client.limits(of: target))
    }

    /// What /proc says of it.
    func detail() throws -> ProcessDetail {
        do throws(SystemError) { return try Procfs.detail(of: pid) } catch { throw Failure("\(label): \(error)") }
    }
}
