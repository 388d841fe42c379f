import Foundation
import Testing

/// A copy of a program that runs as root, whichever user starts it.
final class SetuidProgram {
    let path: String

    init(of program: String = "/bin/sleep") throws {
        path = try TemporaryFolder.make(mode: 0o755) + "/setuid-" + (program as NSString).lastPathComponent
        let made = try ChildProcess.run(["install", "-m", "4755", program, path])
        try #require(made.status == 0, "\(made.error)")
    }
}
