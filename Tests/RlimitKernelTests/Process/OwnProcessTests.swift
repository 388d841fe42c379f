import CRlimitLinux
import CTestKernel
import Foundation
import Glibc
import RlimitConfinement
import RlimitKernel
import RlimitModel
import Testing

@Suite struct OwnProcessTests {
    @Test func `Pid and ids are those of the C library`() {
        #expect(OwnProcess.pid == getpid())
        #expect(OwnProcess.parent == getppid())
        #expect(OwnProcess.effectiveUID == geteuid())
        #expect(OwnProcess.effectiveGID == getegid())
    }

    @Test func `A program is run with its arguments, found in PATH`() throws {
        let child = try ChildProcess.probe("execute=sh,-c,echo \"$0-$1\"; exit 7,a b,c")
        #expect(try child.line() == "a b-c")
        #expect(child.waitForEnd() == 7)
    }

    @Test func `Closed standard streams are occupied, and open ones left as they are`() throws {
        let child = try ChildProcess.probe("close=0", "close=2", "occupy", "occupy")
        for expected in ["done", "done", "input error", ""] { #expect(try child.line() == expected) }
    }

    @Test func `A program that cannot be run says why`() throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("file")
        let child = try ChildProcess.probe("execute=no-such-program-here", "execute=\(file)")
        #expect(try child.line() == "execvp: No such file or directory")
        #expect(try child.line() == "execvp: Permission denied")
    }

    @Test func `An argument that C would cut is refused`() {
        for arguments in [["sh", "a\0b"], []] {
            let error = #expect(throws: SystemError.self) { try OwnProcess.execute(arguments) }
            #expect(error?.number == EINVAL)
        }
    }

    @Test func `The environment is read`() throws {
        let child = try ChildProcess.probe(
            "environment=PROBE_TEST", "environment=PROBE_OTHER", environment: ["PROBE_TEST": "value"])
        #expect(try child.line() == "value")
        #expect(try child.line() == "not set")
    }

    @Test func `Accounts are found by name and by number`() throws {
        let root = try #require(UserDatabase.user(named: "root"))
        #expect(root == UserDatabase.user(0))
        #expect(root.uid == 0 && root.gid == 0 && root.name == "root")
        #expect(UserDatabase.group(named: "root") == 0)
        #expect(UserDatabase.groupName(0) == "root")
        #expect(UserDatabase.userName(0) == "root")
        #expect(UserDatabase.groups(of: root).contains(0))
        #expect(UserDatabase.user(named: "no-such-user-here") == nil)
        #expect(UserDatabase.user(named: "") == nil)
        #expect(UserDatabase.group(named: "no-such-group-here") == nil)
        #expect(UserDatabase.user(4_000_000_000) == nil)
        #expect(UserDatabase.groupName(4_000_000_000) == nil)
    }

    @Test func `Facts about the machine match /proc`() throws {
        let ceiling = try String(contentsOfFile: "/proc/sys/fs/nr_open", encoding: .utf8)
        #expect(SystemInfo.openFilesCeiling() == UInt64(ceiling.trimmingCharacters(in: .whitespacesAndNewlines)))
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(SystemInfo.kernelRelease == release)
        #expect(SystemInfo.idMapping.overflowUID == 65534)
        #expect(SystemInfo.isInitialUserNamespace == SystemInfo.idMapping.hasAllUsers)
    }

    @Test func `In a namespace without all ids the overflow id is not mapped`() {
        let partial = IDMapping(hasAllUsers: false, hasAllGroups: true, overflowUID: 65534, overflowGID: 65533)
        #expect(partial.isMapped(uid: 990) && !partial.isMapped(uid: 65534) && !partial.isMapped(uid: .max))
        #expect(partial.isMapped(gid: 65534) && partial.isMapped(gid: 65533) && !partial.isMapped(gid: .max))
        #expect(!partial.isMapped(Credentials(uid: 65534, gid: 5)))
        var mixed = Credentials(uid: 5, gid: 5)
        mixed.savedUID = 65534
        #expect(!partial.isMapped(mixed))
        let full = IDMapping(hasAllUsers: true, hasAllGroups: true)
        #expect(full.isMapped(Credentials(uid: 65534, gid: 65534)))
    }
}

@Suite struct ServiceNotifierTests {
    @Test(arguments: [false, true]) func `A message arrives, at a path or an abstract name`(isAbstract: Bool) throws {
        let scratch = try ScratchDirectory()
        let receiver = rl_datagram_socket()
        defer { close(receiver) }
        let name = isAbstract ? "rlimitd-kernel-tests-\(getpid())" : scratch.file("notify")
        let bytes = isAbstract ? [0] + Array(name.utf8) : Array(name.utf8)
        try #require(rl_bind(receiver, bytes, bytes.count) == 0)
        let notifier = try #require(ServiceNotifier(path: isAbstract ? "@" + name : name))
        try notifier.notify("READY=1\nSTATUS=baseline only")
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = rl_receive(receiver, &buffer, buffer.count)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "READY=1\nSTATUS=baseline only")
    }

    @Test(arguments: [
        "", "relative", "vsock:2:1", "@" + String(repeating: "x", count: 108), "/" + String(repeating: "x", count: 107),
    ])
    func `An invalid address gives no notifier`(path: String) {
        #expect(ServiceNotifier(path: path) == nil)
    }

    @Test func `The longest names fit`() {
        #expect(ServiceNotifier(path: "@" + String(repeating: "x", count: 107)) != nil)
        #expect(ServiceNotifier(path: "/" + String(repeating: "x", count: 106)) != nil)
    }

    @Test func `A missing service manager is an error without a wait`() throws {
        let scratch = try ScratchDirectory()
        let notifier = try #require(ServiceNotifier(path: scratch.file("nobody")))
        #expect(throws: SystemError(number: ENOENT, call: "")) { try notifier.notify("READY=1") }
    }
}
