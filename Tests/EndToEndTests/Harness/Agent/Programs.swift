import Foundation

/// The programs under test, copied to a folder from which every user may run them: the build folder may lie where
/// only its owner can look.
enum Programs {
    static var rlimitd: String { get throws { try folder.get() + "/rlimitd" } }
    static var rlimitctl: String { get throws { try folder.get() + "/rlimitctl" } }

    /// The example that README quotes.
    static var example: String { get throws { try folder.get() + "/raise-files" } }

    static var probe: String { get throws { try folder.get() + "/client-probe" } }

    static var bench: String { get throws { try folder.get() + "/rlimit-bench" } }

    private static let folder = Result<String, any Error> {
        let folder = try TemporaryFolder.make(mode: 0o755)
        let built = Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".build/debug"
        for name in ["rlimitd", "rlimitctl", "raise-files", "client-probe", "rlimit-bench"] {
            try FileManager.default.copyItem(atPath: "\(built)/\(name)", toPath: "\(folder)/\(name)")
        }
        try copyPrivateLibraries(to: folder)
        return folder
    }

    /// The Swift runtime too, if it lies in somebody's home. The programs look for it beside themselves.
    private static func copyPrivateLibraries(to folder: String) throws {
        let shown = try ChildProcess.run(["ldd", folder + "/rlimitd", folder + "/rlimitctl"]).output
        let paths = shown.split(separator: "\n").compactMap { $0.split(separator: " ").first { $0.hasPrefix("/") } }
        let libraries = Set(paths.map(String.init)).filter { !$0.hasSuffix(":") }
        let look = "for library; do test -r \"$library\" || echo \"$library\"; done"
        let hidden = try ChildProcess.run(Account.alice.setpriv + ["sh", "-c", look, "sh"] + libraries).output
        for library in hidden.split(separator: "\n").map(String.init) {
            let copy = "\(folder)/\((library as NSString).lastPathComponent)"
            try FileManager.default.copyItem(atPath: library, toPath: copy)
        }
    }
}

/// Folders for what a test leaves lying about.
enum TemporaryFolder {
    static func make(mode: Int) throws -> String {
        var name = Array("/tmp/rlimitd-test.XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else {
            throw ChildProcess.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
        }
        let path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, mode_t(mode))
        removeAtExit(path)
        return path
    }

    private static let lock = NSLock()
    nonisolated(unsafe) private static var paths: [String] = []

    private static func removeAtExit(_ path: String) {
        lock.withLock {
            if paths.isEmpty { atexit { TemporaryFolder.removeAll() } }
            paths.append(path)
        }
    }

    private static func removeAll() {
        lock.withLock { paths.forEach { try? FileManager.default.removeItem(atPath: $0) } }
    }
}
