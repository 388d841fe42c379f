import CTestKernel
import Glibc
package import RlimitModel

/// A process with chosen ids that performs system calls on request. It is killed and reaped when it is released.
package final class ControlledProcess {
    package let pid: Int32
    private let socket: Int32
    // The parent; nil for a child of the test.
    private let spawner: ControlledProcess?
    private var isReaped = false

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// The result of a command. `errno` is 0 on success.
    package struct Report {
        package let errno: Int32
        package let value: Int32
        package let limit: Limit
        package let realUID, effectiveUID, savedUID: UInt32
    }

    private init(pid: Int32, socket: Int32, spawner: ControlledProcess?) {
        self.pid = pid
        self.socket = socket
        self.spawner = spawner
        var timeout = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(socket)
        if let spawner {
            try? spawner.reap(self)
        } else {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    /// Starts a process with the test's user, root, and all its capabilities. It forks the other controlled processes.
    package static func spawner() throws -> ControlledProcess {
        var socket: Int32 = -1
        var pid: Int32 = 0
        let result = tk_process_start(ControlledProgram.path, &socket, &pid)
        guard result == 0 else { throw Failure(description: "\(ControlledProgram.path): errno \(-result)") }
        return ControlledProcess(pid: pid, socket: socket, spawner: nil)
    }

    /// Forks a controlled process without capabilities.
    ///
    /// - Parameter number: The pid of the new process; 0 for any.
    package func spawn(
        _ ids: Credentials, groups: Range<UInt32> = 0..<0, number: Int32 = 0, keepingCapabilities: Bool = false
    ) throws -> ControlledProcess {
        var command = makeCommand(TK_COMMAND_FORK, ids: ids)
        command.pid = number
        command.group_count = UInt32(groups.count)
        command.first_group = groups.lowerBound
        command.keeps_capabilities = keepingCapabilities ? 1 : 0
        let (report, descriptor) = try exchange(command)
        guard report.result == 0, descriptor >= 0 else {
            throw Failure(description: "forking a process with \(ids): errno \(-report.result)")
        }
        let process = ControlledProcess(pid: report.pid, socket: descriptor, spawner: self)
        let firstReport = try process.receive().report
        guard firstReport.result == 0 else {
            throw Failure(description: "changing a process to \(ids): errno \(-firstReport.result)")
        }
        return process
    }

    /// Kills a child of this process and leaves a zombie.
    package func killChild(_ child: ControlledProcess) throws {
        try expect(perform(makeProcessCommand(TK_COMMAND_KILL, about: child.pid)), "end")
    }

    /// Kills a child of this process and reaps it.
    package func reap(_ child: ControlledProcess) throws {
        guard !child.isReaped else { return }
        child.isReaped = true
        try expect(perform(makeProcessCommand(TK_COMMAND_REAP, about: child.pid)), "reap")
    }
}

// System calls of the process.
extension ControlledProcess {
    /// Calls prlimit(2) in this process. The report has the old limits or the errno.
    package func prlimit(_ resource: Resource, of pid: Int32, to new: Limit? = nil) throws -> Report {
        var command = makeProcessCommand(TK_COMMAND_PRLIMIT, about: pid)
        command.resource = UInt32(resource.index)
        if let new {
            command.has_new = 1
            command.soft = new.soft.rawValue
            command.hard = new.hard.rawValue
        }
        return try perform(command)
    }

    /// Connects to a socket, so that the kernel reports this process as the peer. The caller must close the descriptor.
    package func connect(to path: String, boundTo name: [UInt8] = []) throws -> Int32 {
        let (report, descriptor) = try exchange(makeCommand(TK_COMMAND_CONNECT, path: path, bytes: name))
        guard report.result >= 0, descriptor >= 0 else {
            throw Failure(description: "connecting process \(pid) to \(path): errno \(-report.result)")
        }
        return descriptor
    }

    /// Forks children that connect, send the bytes and exit, one after another. Returns the number of children that
    /// succeeded.
    package func connectBriefly(_ count: Int, to path: String, sending bytes: [UInt8]) throws -> Int {
        var command = makeCommand(TK_COMMAND_CONNECT_BRIEFLY, path: path, bytes: bytes)
        command.count = UInt32(count)
        return Int(try exchange(command).report.result)
    }

    /// Sets a limit of this process. Lowering needs no privilege.
    package func setOwnLimit(_ resource: Resource, to limit: Limit) throws {
        try expect(prlimit(resource, of: pid, to: limit), "set its limit")
    }

    package func setCredentials(_ ids: Credentials) throws {
        try expect(perform(makeCommand(TK_COMMAND_SET_IDS, ids: ids)), "change its ids")
    }

    /// Changes the supplementary groups.
    package func setGroups(_ groups: Range<UInt32>) throws {
        var command = makeCommand(TK_COMMAND_SET_GROUPS)
        command.group_count = UInt32(groups.count)
        command.first_group = groups.lowerBound
        try expect(perform(command), "change its groups")
    }

    /// Starts a thread that lives as long as the process. Returns its id.
    package func startThread() throws -> Int32 { try perform(makeProcessCommand(TK_COMMAND_THREAD, about: 0)).value }

    /// Moves to a new user namespace. unshare(2).
    package func enterUserNamespace() throws {
        try expect(perform(makeProcessCommand(TK_COMMAND_NAMESPACE, about: 0)), "unshare")
    }

    /// Executes a copy of its program at a time of CLOCK_MONOTONIC, or now if 0. `executionResult` returns the result.
    package func execute(_ path: String, at startTime: Int64 = 0, reporting resource: Resource = .openFiles) throws {
        var command = makeCommand(TK_COMMAND_EXECUTE, path: path)
        command.start_time = startTime
        command.resource = UInt32(resource.index)
        let result = tk_command_send(socket, &command)
        guard result == 0 else { throw Failure(description: "sending a command to process \(pid): errno \(-result)") }
    }

    /// Waits until the executed program runs. The report has its ids, and the limit of the resource at its start.
    package func executionResult() throws -> Report {
        let report = Report(try receive().report)
        try expect(report, "execute")
        return report
    }
}

// Commands and results.
extension ControlledProcess {
    private func makeCommand(
        _ kind: tk_command_kind, ids: Credentials? = nil, path: String = "", bytes: [UInt8] = []
    ) -> tk_command {
        var command = tk_command()
        command.kind = kind.rawValue
        if let ids {
            command.uids = (ids.realUID, ids.effectiveUID, ids.savedUID)
            command.gids = (ids.realGID, ids.effectiveGID, ids.savedGID)
        }
        withUnsafeMutableBytes(of: &command.path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        withUnsafeMutableBytes(of: &command.bytes) { $0.copyBytes(from: bytes.prefix($0.count)) }
        command.byte_count = UInt32(min(bytes.count, MemoryLayout.size(ofValue: command.bytes)))
        return command
    }

    private func makeProcessCommand(_ kind: tk_command_kind, about pid: Int32) -> tk_command {
        var command = makeCommand(kind)
        command.pid = pid
        return command
    }

    private func exchange(_ command: tk_command) throws -> (report: tk_command_result, descriptor: Int32) {
        var command = command
        let result = tk_command_send(socket, &command)
        guard result == 0 else { throw Failure(description: "sending a command to process \(pid): errno \(-result)") }
        return try receive()
    }

    private func receive() throws -> (report: tk_command_result, descriptor: Int32) {
        var report = tk_command_result()
        var descriptor: Int32 = -1
        let result = tk_command_receive(socket, &report, &descriptor)
        guard result == 0 else {
            throw Failure(description: "receiving a result from process \(pid): errno \(-result)")
        }
        return (report, descriptor)
    }

    private func perform(_ command: tk_command) throws -> Report { Report(try exchange(command).report) }

    private func expect(_ report: Report, _ what: String) throws {
        guard report.errno == 0 else {
            throw Failure(description: "process \(pid) could not \(what): errno \(report.errno)")
        }
    }
}

extension ControlledProcess.Report {
    fileprivate init(_ report: tk_command_result) {
        self.init(
            errno: max(0, -report.result), value: report.result,
            limit: Limit(soft: Limit.Bound(rawValue: report.soft), hard: Limit.Bound(rawValue: report.hard)),
            realUID: report.uids.0, effectiveUID: report.uids.1, savedUID: report.uids.2)
    }
}
