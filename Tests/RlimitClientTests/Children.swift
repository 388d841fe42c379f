import Foundation

/// A process that a test made, and may do anything to; killed when the test lets go of it.
final class Child: Sendable {
    let process: Process
    var pid: Int32 { process.processIdentifier }

    /// Sleeps until it is killed.
    init(_ preparation: String = "") throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", preparation + " exec sleep 600"]
        try process.run()
        // Once it sleeps, its limits are those that it was given.
        while comm != "sleep" { usleep(500) }
    }

    private var comm: String {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .newlines)
    }

    func end() {
        process.terminate()
        process.waitUntilExit()
    }

    deinit { process.terminate() }
}
