import Foundation

/// The programs under test, copied to a folder from which every user may run them. The build folder may be readable only by
/// its owner.
enum Programs {
    static var rlimitd: String { get throws { try folder.get() + "/rlimitd" } }
    static var rlimitctl: String { get throws { try folder.get() + "/rlimitctl" } }

    /// The example in docs/swift.md.
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

    /// Copies the libraries that ordinary users cannot read, such as a Swift runtime in a home folder. The programs look for
    /// libraries in their own folder.
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
