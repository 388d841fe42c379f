import Foundation

/// A process of our own that waits, to be spoken of; ended when the test is done with it.
final class SpawnedChild {
    private let process = Process()
    var pid: String { String(process.processIdentifier) }
    var number: Int32 { process.processIdentifier }

    /// `limits` are options of ulimit that it begins with, such as "-n 1000".
    init(limits: [String] = []) throws {
        let started = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let commands = limits.map { "ulimit \($0)" } + ["echo started", "exec sleep 600"]
        process.arguments = ["-c", commands.joined(separator: " && ")]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = started
        try process.run()
        // It is known to be what it will be once the line is there and the pipe, which sleep keeps, says so.
        _ = started.fileHandleForReading.availableData
        while comm != "sleep" { usleep(1000) }
    }

    private var comm: String {
        let text = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
        return text?.trimmingCharacters(in: .newlines) ?? "ended"
    }

    /// The line of /proc/PID/limits that begins so: soft and hard.
    func shown(_ title: String) throws -> [String] {
        let text = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(title) }) else { return [] }
        return line.dropFirst(title.count).split(separator: " ").prefix(2).map(String.init)
    }

    func end() {
        // Not terminate(): a child inherits which signals are blocked, and whoever started this one may block SIGTERM.
        kill(number, SIGKILL)
        process.waitUntilExit()
    }

    deinit { if process.isRunning { end() } }
}
