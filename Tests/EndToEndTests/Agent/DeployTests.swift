import Foundation
import Testing

/// The installer, and the units as systemd's tools check them.
@Suite("Installation and units")
struct DeployTests {
    /// A folder with a complete installation, as the root of a machine.
    private func installedRoot() throws -> String {
        let root = try TemporaryFolder.make(mode: 0o755)
        let build = (try Programs.rlimitd as NSString).deletingLastPathComponent
        let result = try ChildProcess.run([
            Machine.project + "/scripts/install", "--build-dir", build, "--destdir", root,
        ])
        try #require(result.status == 0, "\(result.error)")
        return root
    }

    @Test func `An installation has every file in its place, and uninstalling leaves only the policy`() throws {
        let root = try installedRoot()
        let modes = try ChildProcess.run(["find", root, "-type", "f", "-printf", "%m /%P\n"]).output
        #expect(
            modes.split(separator: "\n").sorted() == [
                "644 /etc/rlimitd/policy.toml",
                "644 /usr/lib/systemd/system/rlimitd.service",
                "644 /usr/lib/systemd/system/rlimitd.socket",
                "644 /usr/lib/sysusers.d/rlimitd.conf",
                "644 /usr/lib/tmpfiles.d/rlimitd.conf",
                "644 /usr/share/doc/rlimitd/PROTOCOL.md",
                "644 /usr/share/doc/rlimitd/README.md",
                "644 /usr/share/doc/rlimitd/policy.md",
                "644 /usr/share/doc/rlimitd/recipes.md",
                "644 /usr/share/doc/rlimitd/rlimitctl.md",
                "644 /usr/share/doc/rlimitd/rlimitd.md",
                "644 /usr/share/doc/rlimitd/threat-model.md",
                "755 /usr/bin/rlimitctl",
                "755 /usr/lib/rlimitd/librlimitd-preload.so",
                "755 /usr/libexec/rlimitd",
            ])
        let removal = try ChildProcess.run([Machine.project + "/scripts/install", "--uninstall", "--destdir", root])
        #expect(removal.status == 0, "\(removal.error)")
        #expect(try ChildProcess.run(["find", root, "-type", "f"]).output == root + "/etc/rlimitd/policy.toml\n")
    }

    @Test func `A second installation keeps the administrator's policy`() throws {
        let root = try installedRoot(), policy = root + "/etc/rlimitd/policy.toml"
        try Data("version = 1 # mine\n".utf8).write(to: URL(fileURLWithPath: policy))
        let build = (try Programs.rlimitd as NSString).deletingLastPathComponent
        let again = try ChildProcess.run([
            Machine.project + "/scripts/install", "--build-dir", build, "--destdir", root,
        ])
        #expect(again.status == 0, "\(again.error)")
        #expect(try Machine.contents(of: policy) == "version = 1 # mine\n")
    }

    @Test(arguments: ["rlimitd.service", "rlimitd.socket"])
    func `The units pass systemd-analyze verify`(unit: String) throws {
        let root = try installedRoot()
        // The units need what every machine has: the targets that systemd adds to every unit, and a shell.
        let copied = try ChildProcess.run([
            "sh", "-c",
            "install -D /bin/sh \(root)/bin/sh && cp /lib/systemd/system/*.target \(root)/usr/lib/systemd/system",
        ])
        try #require(copied.status == 0, "\(copied.error)")
        let result = try ChildProcess.run(["systemd-analyze", "verify", "--root=" + root, "--man=no", unit])
        #expect(result.status == 0)
        #expect(result.error == "")
    }

    @Test func `The unit turns off the rate limit of journald`() throws {
        let unit = try Machine.contents(of: Machine.project + "/deploy/systemd/rlimitd.service")
        #expect(unit.contains("\nLogRateLimitIntervalSec=0\n"))
    }

    @Test func `The exposure of the service is below the threshold of systemd-analyze security`() throws {
        let unit = Machine.project + "/deploy/systemd/rlimitd.service"
        let result = try ChildProcess.run(["systemd-analyze", "security", "--offline=true", "--threshold=7", unit])
        #expect(result.status == 0, "\(result.output)\(result.error)")
    }
}
