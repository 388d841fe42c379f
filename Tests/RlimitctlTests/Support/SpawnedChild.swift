import Foundation

/// A sleeping child process, the target of a test. It is killed at the end of the test.
final class SpawnedChild {
    private let process: SpawnedProgram
    private let name: String
    private var isEnded = false
    var pid: String { String(process.pid) }
    var number: Int32 { process.pid }

    /// Starts the child.
    ///
    /// - Parameter limits: Options of the shell's ulimit, such as "-n 1000".
    init(limits: [String] = [], name: String = "sleep") throws {
        self.name = name
        let scratch = try Scratch()
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/" + name, withDestinationPath: "/bin/sleep")
        let commands = limits.map { "ulimit \($0)" } + ["exec \"$0\" 600"]
        process = try SpawnedProgram(
            ["/bin/sh", "-c", commands.joined(separator: " && "), scratch.path + "/" + name],
            environment: ["PATH": "/usr/bin:/bin"],
            output: "/dev/null", errorOutput: "/dev/null")
        // The shell sets the limits before it executes the program, which changes the name. It exits if a limit is
        // refused.
        let deadline = Date(timeIntervalSinceNow: 10)
        while comm != name {
            guard Date() < deadline, comm != "ended" else { throw CocoaError(.featureUnsupported) }
            usleep(1000)
        }
    }

    private var comm: String {
        let text = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
        return text.map { String($0.dropLast()) } ?? "ended"
    }

    /// The soft and the hard limit in the line of /proc/PID/limits that begins with `title`.
    func shown(_ title: String) throws -> [String] {
        let text = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(title) }) else { return [] }
        return line.dropFirst(title.count).split(separator: " ").prefix(2).map(String.init)
    }

    func end() {
        guard !isEnded else { return }
        isEnded = true
        kill(process.pid, SIGKILL)
        _ = process.wait()
    }

    deinit { end() }
}
