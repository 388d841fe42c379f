import Foundation
import RlimitKernel

/// What the machine that runs the tests can do.
enum Machine {
    /// Whether a test's root may raise hard limits; where not, `scripts/with-capability` finds a place where it may.
    static let mayRaiseHardLimits: Bool =
        (try? ChildProcess.run(["bash", "-c", "ulimit -n 64 && ulimit -Hn 64 && ulimit -Hn 128"]).status) == 0

    static let needsCapability = "needs CAP_SYS_RESOURCE: scripts/test runs it in user-mode-linux"

    /// Whether the kernel vouches for the process behind a connection: Linux 6.5 or later.
    static let pinsPeers = KernelFeatures.probed.hasPeerPidfd

    static let needsPinnedPeers = "needs Linux 6.5 and CAP_SYS_RESOURCE: scripts/test runs it on Linux 6.12 in qemu"

    /// The folder that holds Package.swift.
    static let project = (1...5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        .path

    static func contents(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
}
