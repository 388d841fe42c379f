import CRlimitLinux
import CTestKernel
import Glibc
import RlimitKernel
import RlimitModel
import Testing

/// With the kernel's best way to tell who a process is, and with the oldest.
private let bothWays = [KernelFeatures.probed, .oldest]

@Suite struct PidfdTests {
    @Test(arguments: bothWays) func `A living process has its number and six ids`(features: KernelFeatures) throws {
        try requireRoot()
        let child = try ChildProcess.probe("gids=31,32,33", "ids=21,22,23", "wait")
        for _ in 0..<2 { #expect(try child.line() == "done") }
        let pidfd = try Pidfd.open(pid: child.pid, features: features)
        #expect(
            try pidfd.processCredentials()
                == ProcessCredentials(
                    pid: child.pid,
                    credentials: Credentials(
                        realUID: 21, effectiveUID: 22, savedUID: 23, realGID: 31, effectiveGID: 32, savedGID: 33)))
        #expect(pidfd.hasEnded == false)
        #expect(try pidfd.namespaceDepth() == 1)
    }

    @Test(arguments: bothWays) func `A zombie and a reaped process have no identity`(features: KernelFeatures) throws {
        let child = try ChildProcess.probe("wait")
        let pidfd = try Pidfd.open(pid: child.pid, features: features)
        #expect(try pidfd.processCredentials() != nil)
        try child.becomeZombie()
        #expect(try pidfd.processCredentials() == nil)
        #expect(pidfd.hasEnded == true)
        child.end()
        #expect(try pidfd.processCredentials() == nil)
        #expect(try pidfd.namespaceDepth() == nil)
        #expect(pidfd.hasEnded == true)
    }

    @Test(arguments: bothWays) func `A change of user shows at once`(features: KernelFeatures) throws {
        try requireRoot()
        let child = try ChildProcess.probe("wait", "ids=990,990,990", "wait")
        let pidfd = try Pidfd.open(pid: child.pid, features: features)
        #expect(try pidfd.processCredentials()?.credentials == Credentials(uid: 0, gid: 0))
        child.proceed()
        _ = try child.line()
        #expect(try child.line() == "done")
        #expect(try pidfd.processCredentials()?.credentials.realUID == 990)
    }

    @Test(arguments: bothWays) func `A number that was given to another process does not make the old handle the new`(
        features: KernelFeatures
    ) throws {
        try requireRoot()
        let child = try ChildProcess.probe("wait")
        let pidfd = try Pidfd.open(pid: child.pid, features: features)
        child.end()
        let reborn = tk_fork_as(child.pid)
        try #require(reborn == child.pid, "clone3: \(SystemError.text(of: -reborn))")
        defer {
            kill(reborn, SIGKILL)
            waitpid(reborn, nil, 0)
        }
        #expect(try pidfd.processCredentials() == nil)
        #expect(try Pidfd.open(pid: reborn, features: features).processCredentials()?.pid == reborn)
    }

    @Test(arguments: [Int32.min, -1, 0, 1, 4_194_305, Int32.max])
    func `Numbers that can name no process never reach the kernel`(pid: Int32) {
        #expect(throws: SystemError(number: ESRCH, call: "")) { _ = try Pidfd.open(pid: pid) }
    }

    @Test func `A thread id is not accepted as a pid`() throws {
        let child = try ChildProcess.probe("thread", "wait")
        let thread = try #require(Int32(try child.line()))
        #expect(thread != child.pid)
        #expect(throws: SystemError(number: ESRCH, call: "")) { _ = try Pidfd.open(pid: thread) }
    }

    @Test(arguments: bothWays) func `Process 1 is recognized by its pid`(features: KernelFeatures) throws {
        let number = rl_pidfd_open(1, 0)
        try #require(number >= 0)
        let pidfd = try #require(Adopted(number, features: features))
        #expect(try pidfd.pidfd.processCredentials()?.pid == 1)
    }

    // What a peer may send in place of a pidfd.
    enum Impostor: CaseIterable {
        case regularFile, ownFolder, otherFolder, event, pathOnly, socket, null, epoll, closed
    }

    @Test(arguments: Impostor.allCases)
    func `A descriptor that is not a pidfd is refused and closed`(impostor: Impostor) throws {
        let scratch = try ScratchDirectory()
        let path = try scratch.write("file")
        var ends: [Int32] = [0, 0]
        let number: Int32 =
            switch impostor {
            case .regularFile: open(path, O_RDONLY)
            case .ownFolder: open("/proc/self", O_RDONLY | O_DIRECTORY)
            case .otherFolder: open("/proc/1", O_RDONLY | O_DIRECTORY)
            case .event: tk_event_descriptor()
            case .pathOnly: tk_open_path_only(path)
            case .socket: tk_socket_pair(&ends) == 0 ? ends[0] : -1
            case .null: open("/dev/null", O_RDONLY)
            case .epoll: rl_epoll_create()
            case .closed: 100_000
            }
        try #require(number >= 0)
        #expect(Adopted(number) == nil)
        if impostor == .regularFile || impostor == .pathOnly { #expect(try ScratchDirectory.allAreClosed(on: path)) }
    }

    @Test func `A pidfd is accepted, also of an ended process and of a running child`() throws {
        let child = try ChildProcess.probe("wait")
        let (living, dead) = (rl_pidfd_open(child.pid, 0), rl_pidfd_open(child.pid, 0))
        #expect(try Adopted(living)?.pidfd.processCredentials()?.pid == child.pid)
        child.end()
        let adopted = try #require(Adopted(dead))
        #expect(try adopted.pidfd.processCredentials() == nil)
    }

    @Test func `A pidfd of a thread is not taken`() throws {
        let child = try ChildProcess.probe("thread", "wait")
        let thread = try #require(Int32(try child.line()))
        let number = tk_pidfd_of_thread(thread)
        // Linux before 6.9 has none to offer.
        if number < 0 {
            #expect(number == -EINVAL)
        } else {
            #expect(Adopted(number) == nil)
        }
    }

    @Test func `Where /proc hides others, a living process is not taken for one that has ended`() throws {
        try requireRoot()
        let target = try ChildProcess.sleeping(uid: 1000, gid: 1000)
        let script = "mount -t proc -o hidepid=2 proc /proc && exec \"$0\" \"$@\""
        let asker = try ChildProcess(
            "unshare",
            [
                "--mount", "sh", "-c", script, ChildProcess.probePath, "groups=0", "gids=990,990,990",
                "ids=990,990,990",
                "dumpable=1", "identity=\(target.pid)", "oldest-identity=\(target.pid)", "wait",
                "oldest-identity=\(target.pid)",
            ])
        for _ in 0..<4 { #expect(try asker.line() == "done") }
        let hidden = "open /proc/PID/status: Permission denied"
        #expect(try asker.line() == (KernelFeatures.probed.hasPidfdInfo ? "1000" : hidden))
        #expect(try asker.line() == hidden)
        target.end()
        asker.proceed()
        _ = try asker.line()
        #expect(try asker.line() == "pidfd_open: No such process")
    }

    @Test(arguments: [
        ("hidepid=0", false), ("hidepid=1", true), ("hidepid=2", true), ("hidepid=1,gid=990", false),
        ("hidepid=2,gid=990", false), ("hidepid=2,gid=991", true),
    ])
    func `A process without privileges knows whether /proc hides others`(options: String, hides: Bool) throws {
        try requireRoot()
        let target = try ChildProcess.sleeping(uid: 1000, gid: 1000)
        let script = "mount -t proc -o \(options) proc /proc && exec \"$0\" \"$@\""
        let probe = try ChildProcess(
            "unshare",
            [
                "--mount", "sh", "-c", script, ChildProcess.probePath, "groups=0", "gids=990,990,990",
                "ids=990,990,990",
                "proc-hides-others", "hidden=\(target.pid)",
            ])
        for _ in 0..<3 { #expect(try probe.line() == "done") }
        #expect(try probe.line() == "\(hides)")
        #expect(try probe.line() == "\(hides)")
    }

    @Test(arguments: bothWays) func `A process of a deeper namespace has its depth, and its number here`(
        features: KernelFeatures
    ) throws {
        try requireRoot()
        let outer = try ChildProcess(
            "unshare", ["--pid", "--fork", "--kill-child", ChildProcess.probePath, "pid", "wait"])
        #expect(try outer.line() == "1")
        let inner = try #require(try ProcStatusLookup.children(of: outer.pid).first)
        let pidfd = try Pidfd.open(pid: inner, features: features)
        #expect(try pidfd.namespaceDepth() == 2)
        #expect(try pidfd.processCredentials()?.pid == inner)
    }
}

/// A pidfd where tests need something that can be copied.
private final class Adopted {
    let pidfd: Pidfd

    init?(_ number: Int32, features: KernelFeatures = .probed) {
        guard let pidfd = Pidfd(adopting: FileDescriptor(owning: number), features: features) else { return nil }
        self.pidfd = pidfd
    }

}
