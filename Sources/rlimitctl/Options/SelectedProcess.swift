import Glibc
import RlimitClient
import RlimitKernel
import RlimitPolicy

/// The process that a command works on. A pidfd pins it, so that its pid cannot be reused while the command runs.
struct SelectedProcess: ~Copyable {
    let pid: Int32
    /// The process as it is shown.
    let label: ProcessLabel
    /// Its user and group ids; nil if they cannot be read.
    let credentials: Credentials?
    private let handle: ProcessHandle

    /// Selects the process of --pid, else the parent.
    ///
    /// - Throws: `UsageError` if --pid is absent and the parent is surely not the process that the user means.
    init(_ options: ProcessOptions) throws { try self.init(pid: options.pid) }

    /// Selects a process by its pid; for nil, the parent.
    init(pid selectedPID: Int32?) throws {
        let parent = ParentProcess(pid: getppid(), sudoUID: OwnProcess.environment("SUDO_UID"))
        if selectedPID == nil, let usageError = parent.usageError { throw usageError }
        let pid = selectedPID ?? parent.pid
        let handle = try ProcessHandle(pid: pid)
        let credentials = try? Pidfd.open(pid: pid).processCredentials()?.credentials
        if selectedPID == nil {
            let isStill = getppid() == parent.pid
            let uid = credentials?.realUID
            if let usageError = parent.usageError(uid: uid, ownUID: getuid(), isStill: isStill) { throw usageError }
        }
        self.handle = handle
        self.pid = pid
        self.credentials = credentials
        label = ProcessLabel(pid: pid)
    }

    /// The target of the client's requests.
    var target: Target { handle.target }

    /// The process as the policy sees it.
    func snapshot(_ client: BlockingLimitClient) throws -> TargetSnapshot {
        guard let credentials else { throw Failure("the user and group ids of \(label) cannot be read") }
        return TargetSnapshot(
            identity: ProcessCredentials(pid: pid, credentials: credentials), isPeer: false,
            now: try client.limits(of: target))
    }

    /// The facts that /proc shows about the process.
    func detail() throws -> ProcessDetail {
        do throws(SystemError) { return try Procfs.detail(of: pid) } catch { throw Failure("\(label): \(error)") }
    }
}
