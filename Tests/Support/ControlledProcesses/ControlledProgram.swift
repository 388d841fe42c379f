import Foundation

/// The program of the controlled processes.
package enum ControlledProgram {
    /// The path of the program. If there is a compiler, the program is compiled without the Swift runtime, which the
    /// build links into every program, because it is forked and executed thousands of times. Otherwise it is the
    /// program in the build folder.
    package static let path: String = compiledPath ?? builtPath

    private static let builtPath = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("controlled-process").path

    private static let compiledPath: String? = {
        let support = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        guard let folder = try? TemporaryFolder() else { return nil }
        compiledFolder = folder
        atexit { ControlledProgram.compiledFolder = nil }
        let path = folder.path + "/controlled-process"
        let words =
            "-static -O1 -I'\(support)/CTestKernel/include' -o '\(path)' '\(support)/../Programs/controlled-process/main.c'"
        for compiler in ["clang", "cc"] where system("\(compiler) \(words) >/dev/null 2>&1") == 0 { return path }
        return nil
    }()

    nonisolated(unsafe) private static var compiledFolder: TemporaryFolder?
}

/// A setuid copy of the controlled processes' program, which runs as root.
package final class SetuidControlledProgram {
    package var path: String { folder.path + "/setuid-controlled-process" }
    private let folder: TemporaryFolder

    package init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: ControlledProgram.path, toPath: path)
        guard chown(path, 0, 0) == 0, chmod(path, 0o4755) == 0 else {
            throw ControlledProcess.Failure(description: "chmod \(path): errno \(errno)")
        }
    }
}

/// A folder that every user can read. It is removed when it is released.
private final class TemporaryFolder {
    let path: String

    init() throws {
        var name = Array("/tmp/rlimitd-process.XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw ControlledProcess.Failure(description: "mkdtemp: errno \(errno)") }
        path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
