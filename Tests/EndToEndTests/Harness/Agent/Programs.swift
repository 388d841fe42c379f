import Foundation

/// The programs under test, copied to a folder from which every user may run them. The build folder may be readable
/// only by its owner.
enum Programs {
    static var rlimitd: String { get throws { try folder.get() + "/rlimitd" } }
    static var rlimitctl: String { get throws { try folder.get() + "/rlimitctl" } }

    /// The example in docs/swift.md.
    static var example: String { get throws { try folder.get() + "/raise-files" } }

    static var probe: String { get throws { try folder.get() + "/client-probe" } }

    /// The benchmark client, which is a product of the package in Benchmarks.
    static var bench: String { get throws { try copiedBench.get() } }

    private static var buildFolder: URL {
        let bundle = Bundle.main.executableURL ?? URL(fileURLWithPath: ".build/debug/rlimitdPackageTests.xctest")
        return bundle.resolvingSymlinksInPath().deletingLastPathComponent()
    }

    private static let folder = Result<String, any Error> {
        let folder = try TemporaryFolder.make(mode: 0o755)
        for name in ["rlimitd", "rlimitctl", "raise-files", "client-probe"] {
            try FileManager.default.copyItem(atPath: "\(buildFolder.path)/\(name)", toPath: "\(folder)/\(name)")
        }
        try copyPrivateLibraries(to: folder)
        return folder
    }

    // Beside the build folder SCRATCH/TRIPLE/debug the other package's is SCRATCH/benchmarks-package/TRIPLE/debug.
    private static let copiedBench = Result<String, any Error> {
        let (configuration, triple) = (buildFolder.lastPathComponent, buildFolder.deletingLastPathComponent())
        let scratch = triple.deletingLastPathComponent().path
        let built = "\(scratch)/benchmarks-package/\(triple.lastPathComponent)/\(configuration)/rlimit-bench"
        guard FileManager.default.isExecutableFile(atPath: built) else {
            throw ChildProcess.Failure(
                description: "\(built) is not built; first: "
                    + "swift build --package-path Benchmarks --scratch-path .build/benchmarks-package")
        }
        let copy = try folder.get() + "/rlimit-bench"
        // By another process: a child that this one forks while it writes the file would keep it busy for execve(2).
        _ = try ChildProcess.run(["cp", built, copy])
        return copy
    }

    /// Copies the libraries that ordinary users cannot read, such as a Swift runtime in a home folder. The programs
    /// look for libraries in their own folder.
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
