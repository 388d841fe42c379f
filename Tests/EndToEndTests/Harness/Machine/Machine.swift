import Foundation
import RlimitKernel

/// Facts about the machine that runs the tests.
enum Machine {
    /// Whether root may raise hard limits. If not, `scripts/with-capability` runs the tests on a machine where it may.
    static let mayRaiseHardLimits: Bool =
        (try? ChildProcess.run(["bash", "-c", "ulimit -n 64 && ulimit -Hn 64 && ulimit -Hn 128"]).status) == 0

    static let needsCapability = "needs CAP_SYS_RESOURCE: scripts/test runs it in user-mode-linux"

    /// Whether the kernel pins the process of a connection (SO_PEERPIDFD, Linux 6.5).
    static let pinsPeers = KernelFeatures.probed.hasPeerPidfd

    static let needsPinnedPeers = "needs Linux 6.5 and CAP_SYS_RESOURCE: scripts/test runs it on Linux 6.12 in qemu"

    /// The folder with Package.swift.
    static let project = (1...5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        .path

    static func contents(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
}
