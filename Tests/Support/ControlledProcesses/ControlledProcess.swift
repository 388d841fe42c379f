import CTestKernel
import Glibc
package import RlimitModel

/// A process with the ids that a test gave it, which does what it is told. Nothing is left of it when the test lets go of it.
package final class ControlledProcess {
    package let pid: Int32
    private let socket: Int32
    // Whose child it is; nil where it is the test's own.
    private let spawner: ControlledProcess?
    private var isReaped = false

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// What an order came to: `errno` is 0, or why it failed.
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
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
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

    /// One that is the test's own user, root, with all that it has: it makes the others.
    package static func spawner() throws -> ControlledProcess {
        var socket: Int32 = -1
        var pid: Int32 = 0
        let result = tk_process_start(ControlledProgram.path, &socket, &pid)
        guard result == 0 else { throw Failure(description: "\(ControlledProgram.path): errno \(-result)") }
        return ControlledProcess(pid: pid, socket: socket, spawner: nil)
    }

    /// Another, without any capability. `number` is the process number that it shall have.
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
            throw Failure(description: "a puppet of \(ids): errno \(-report.result)")
        }
        let process = ControlledProcess(pid: report.pid, socket: descriptor, spawner: self)
        let firstReport = try process.receive().report
        guard firstReport.result == 0 else {
            throw Failure(description: "a puppet becomes \(ids): errno \(-firstReport.result)")
        }
        return process
    }

    /// Kills a child of this one, and leaves a zombie.
    package func killChild(_ child: ControlledProcess) throws {
        try expect(perform(makeProcessCommand(TK_COMMAND_KILL, about: child.pid)), "end")
    }

    /// Kills a child of this one, and lets nothing of it be left.
    package func reap(_ child: ControlledProcess) throws {
        guard !child.isReaped else { return }
        child.isReaped = true
        try expect(perform(makeProcessCommand(TK_COMMAND_REAP, about: child.pid)), "reap")
    }
}

// What the kernel says to it.
extension ControlledProcess {
    /// prlimit(2), by itself: the old limits, or its errno.
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

    /// A connection that the kernel says is this puppet's. The descriptor is the caller's to close.
    package func connect(to path: String, boundTo name: [UInt8] = []) throws -> Int32 {
        let (report, descriptor) = try exchange(makeCommand(TK_COMMAND_CONNECT, path: path, bytes: name))
        guard report.result >= 0, descriptor >= 0 else {
            throw Failure(description: "a puppet connects to \(path): errno \(-report.result)")
        }
        return descriptor
    }

    /// That many children connect, send the bytes and are gone, one after the other: how many had done so.
    package func connectBriefly(_ count: Int, to path: String, sending bytes: [UInt8]) throws -> Int {
        var command = makeCommand(TK_COMMAND_CONNECT_BRIEFLY, path: path, bytes: bytes)
        command.count = UInt32(count)
        return Int(try exchange(command).report.result)
    }

    /// Sets its own limits, which takes no privilege as long as it goes down.
    package func setOwnLimit(_ resource: Resource, to limit: Limit) throws {
        try expect(prlimit(resource, of: pid, to: limit), "limit itself")
    }

    package func setCredentials(_ ids: Credentials) throws {
        try expect(perform(makeCommand(TK_COMMAND_SET_IDS, ids: ids)), "become")
    }

    /// Starts a thread, which lives as long as the puppet: its number.
    package func startThread() throws -> Int32 { try perform(makeProcessCommand(TK_COMMAND_THREAD, about: 0)).value }

    /// Moves to a user namespace of its own.
    package func enterUserNamespace() throws {
        try expect(perform(makeProcessCommand(TK_COMMAND_NAMESPACE, about: 0)), "unshare")
    }

    /// Executes a copy of its program, at a moment of CLOCK_MONOTONIC or at once; `executionResult` then tells what came of it.
    package func execute(_ path: String, at startTime: Int64 = 0, reporting resource: Resource = .openFiles) throws {
        var command = makeCommand(TK_COMMAND_EXECUTE, path: path)
        command.start_time = startTime
        command.resource = UInt32(resource.index)
        let result = tk_command_send(socket, &command)
        guard result == 0 else { throw Failure(description: "telling puppet \(pid): errno \(-result)") }
    }

    /// Waits for the program that it executed: whose it is, and the limit of the resource that it came into.
    package func executionResult() throws -> Report {
        let report = Report(try receive().report)
        try expect(report, "execute")
        return report
    }
}

// Orders and reports.
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
        guard result == 0 else { throw Failure(description: "telling puppet \(pid): errno \(-result)") }
        return try receive()
    }

    private func receive() throws -> (report: tk_command_result, descriptor: Int32) {
        var report = tk_command_result()
        var descriptor: Int32 = -1
        let result = tk_command_receive(socket, &report, &descriptor)
        guard result == 0 else { throw Failure(description: "hearing puppet \(pid): errno \(-result)") }
        return (report, descriptor)
    }

    private func perform(_ command: tk_command) throws -> Report { Report(try exchange(command).report) }

    private func expect(_ report: Report, _ what: String) throws {
        guard report.errno == 0 else { throw Failure(description: "puppet \(pid), \(what): errno \(report.errno)") }
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
