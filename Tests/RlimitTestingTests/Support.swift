import Foundation
import RlimitClient

/// What was thrown; nil where nothing was.
func error(_ body: () throws -> some Any) -> RlimitError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? RlimitError
    }
}

/// A process of a test's own that sleeps. Gone when the test lets go of it.
final class Sleeper {
    private let process = Process()
    var pid: Int32 { process.processIdentifier }

    init() throws {
        process.executableURL = URL(fileURLWithPath: "/bin/sleep")
        process.arguments = ["600"]
        try process.run()
    }

    deinit { end() }

    /// Kills it, and waits until nothing is left of it.
    func end() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }
}
