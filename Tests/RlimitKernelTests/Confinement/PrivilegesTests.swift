import Glibc
import RlimitConfinement
import RlimitKernel
import RlimitModel
import Testing

private let oneBit = Capability.sysResource

@Suite struct AgentPrivilegesTests {
    private static func state(_ change: (inout PrivilegeState) -> Void = { _ in }) -> PrivilegeState {
        var state = PrivilegeState()
        let lines = [
            "Uid:\t990\t990\t990\t990", "Gid:\t991\t991\t991\t991", "Groups:\t", "NoNewPrivs:\t1", "CapInh:\t0",
            "CapPrm:\t0000000001000000", "CapEff:\t0000000001000000", "CapBnd:\t0000000001000000", "CapAmb:\t0",
        ]
        for line in lines { state.parse(Array(line.utf8).span) }
        change(&state)
        return state
    }

    private let wanted = AgentPrivileges(capabilities: oneBit, user: .init(uid: 990, gid: 991))

    @Test func `CAP_SYS_RESOURCE is bit 24`() { #expect(oneBit == 0x1000000) }

    @Test func `Exactly the one capability and the one user match`() {
        #expect(wanted.mismatch(in: Self.state()) == nil)
        #expect(wanted.mismatch(in: Self.state { $0.inheritable = oneBit }) == nil)
    }

    @Test(arguments: [
        Self.state { $0.uids = [990, 990, 990, 0] }, Self.state { $0.uids = [0, 0, 0, 0] },
        Self.state { $0.uids = [990, 991, 990, 990] }, Self.state { $0.uids = [992, 992, 992, 992] },
        Self.state { $0.gids = [991, 991, 0, 991] }, Self.state { $0.gids = [990, 990, 990, 990] },
        Self.state { $0.gids = [991, 991, 991, 992] }, Self.state { $0.groups = [0] }, Self.state { $0.groups = [4] },
        Self.state { $0.permitted = 0 }, Self.state { $0.permitted = oneBit | 1 }, Self.state { $0.effective = 0 },
        Self.state { $0.effective = oneBit | 2 }, Self.state { $0.bounding = oneBit | 4 },
        Self.state { $0.bounding = .max }, Self.state { $0.bounding = 0 }, Self.state { $0.ambient = oneBit },
        Self.state { $0.inheritable = oneBit | 8 }, Self.state { $0.inheritable = 1 },
        Self.state { $0.hasNoNewPrivileges = false }, Self.state { $0.uids = [] }, Self.state { $0.gids = [991] },
        PrivilegeState(),
    ])
    func `Anything else is refused`(state: PrivilegeState) {
        #expect(wanted.mismatch(in: state) != nil)
    }

    @Test func `An agent that kept its user may have groups, except root's`() {
        let staying = AgentPrivileges(capabilities: oneBit, user: nil)
        #expect(staying.mismatch(in: Self.state { $0.groups = [4, 5] }) == nil)
        #expect(staying.mismatch(in: Self.state { $0.groups = [4, 0] }) != nil)
        #expect(staying.mismatch(in: Self.state { $0.bounding = .max })?.contains("CapabilityBoundingSet") == true)
    }

    @Test func `Without the capability none is kept, and the bounding set is checked only if started as root`() {
        let none = Self.state {
            $0.permitted = 0
            $0.effective = 0
            $0.bounding = .max
        }
        #expect(AgentPrivileges(capabilities: 0, user: nil).mismatch(in: none) == nil)
        #expect(AgentPrivileges(capabilities: 0, user: .init(uid: 990, gid: 991)).mismatch(in: none) != nil)
        #expect(AgentPrivileges(capabilities: 0, user: nil).mismatch(in: Self.state()) != nil)
    }
}

@Suite struct PrivilegesTests {
    @Test func `Root without --user does not become the agent`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe("become=-,no-capability")
        #expect(try probe.line() == "rlimitd never runs as root: say which user with --user")
    }

    @Test(arguments: ["0:0", "990:0", "0:990"])
    func `The agent cannot become root or join root's group`(user: String) throws {
        try requireRoot()
        let probe = try ChildProcess.probe("become=\(user),no-capability")
        #expect(try probe.line().contains("name another with --user"))
    }

    @Test func `Without the capability the error names the remedy`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe("groups=0", "gids=990,990,990", "ids=990,990,990", "become=990:990")
        for _ in 0..<3 { #expect(try probe.line() == "done") }
        let answer = try probe.line()
        #expect(answer.hasPrefix("CAP_SYS_RESOURCE is missing; start rlimitd as root, or with AmbientCapabilities="))
        #expect(answer.contains("--allow-no-capability"))
    }

    @Test func `With --allow-no-capability it continues without any capability`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe(
            "groups=0", "gids=990,990,990", "ids=990,990,990", "become=990:990,no-capability", "limit=0,nofile,1,1")
        for _ in 0..<3 { #expect(try probe.line() == "done") }
        let answer = try probe.line()
        #expect(answer.hasPrefix("uids [990, 990, 990, 990] gids [990, 990, 990, 990] groups [] inh 0 prm 0 eff 0"))
        #expect(answer.hasSuffix("amb 0 nnp true"))
    }

    @Test func `Only root can switch to another user`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe(
            "groups=0", "gids=990,990,990", "ids=990,990,990", "become=991:991,no-capability")
        for _ in 0..<3 { _ = try probe.line() }
        #expect(try probe.line() == "only root can become user 991: start rlimitd as root or as that user")
    }

    @Test func `Supplementary groups of root are refused`() throws {
        try requireRoot()
        let probe = try ChildProcess(
            "setpriv",
            ["--reuid=990", "--regid=990", "--groups=0,990", ChildProcess.probePath, "become=-,no-capability"])
        #expect(try probe.line().contains("--clear-groups"))
    }

    @Test func `A child user namespace is reported`() throws {
        let probe = try ChildProcess(
            "unshare", ["--user", "--map-root-user", ChildProcess.probePath, "become=990:990"])
        let answer = try probe.line()
        #expect(answer.hasPrefix("this is a child user namespace"))
        #expect(answer.contains("--allow-user-namespace"))
    }

    @Test func `In a child user namespace with all ids the end state is the same`() throws {
        try requireRoot()
        let probe = try ChildProcess.probeInFullUserNamespace("become=990:991,user-namespace", "wait")
        #expect(
            try probe.line()
                == "uids [990, 990, 990, 990] gids [991, 991, 991, 991] groups [] inh 0 prm 16777216 eff 16777216 "
                + "bnd 16777216 amb 0 nnp true")
    }

    @Test func `A second thread that kept its privileges is noticed`() throws {
        try requireRoot()
        let probe = try ChildProcess.probeInFullUserNamespace("thread", "become=990:991,user-namespace")
        _ = try probe.line()
        #expect(try probe.line().hasPrefix("uids") == false)
    }
}

@Suite struct PrivilegesNeedsCapability {
    private let endState =
        "uids [990, 990, 990, 990] gids [991, 991, 991, 991] groups [] inh 0 prm 16777216 eff 16777216 bnd 16777216 "
        + "amb 0 nnp true"

    @Test func `Root becomes the agent with exactly one bit`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe("groups=5", "become=990:991", "wait")
        #expect(try probe.line() == "done")
        #expect(try probe.line() == endState)
        // The kernel's word, seen from outside.
        let status = ProcStatusLookup.status(probe.pid)
        for set in ["CapPrm", "CapEff", "CapBnd"] { #expect(status[set] == "0000000001000000") }
        for set in ["CapInh", "CapAmb"] { #expect(status[set] == "0000000000000000") }
        #expect(status["NoNewPrivs"] == "1")
        #expect(status["Uid"] == "990\t990\t990\t990")
        #expect(status["Gid"] == "991\t991\t991\t991")
        #expect(status["Groups"] == "")
    }

    @Test func `Dropped privileges cannot be regained`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe(
            "become=990:991", "ids=0,0,0", "gids=0,0,0", "groups=1", "become=990:991", "identity=2")
        #expect(try probe.line() == endState)
        for _ in 0..<3 { #expect(try probe.line() == "Operation not permitted") }
        // To become what one is changes nothing.
        #expect(try probe.line() == endState)
    }

    @Test func `It still reads its own descriptors' entries, as pidfds need before Linux 6.13`() throws {
        try requireRoot()
        let target = try ChildProcess.sleeping(uid: 1000, gid: 1000)
        let probe = try ChildProcess.probe("become=990:991", "identity=\(target.pid)", "wait")
        _ = try probe.line()
        #expect(try probe.line() == "1000")
        var status = stat()
        #expect(stat("/proc/\(probe.pid)/fdinfo", &status) == 0 && status.st_uid == 990)
    }

    @Test func `Started with the capability ambient, the end state is the same`() throws {
        try requireRoot()
        let probe = try ChildProcess(
            "setpriv",
            [
                "--reuid=990", "--regid=991", "--clear-groups", "--inh-caps=-all,+sys_resource",
                "--ambient-caps=-all,+sys_resource", "--bounding-set=-all,+sys_resource", ChildProcess.probePath,
                "become=-",
            ])
        // Inheritable may stay: no program gains by it with no_new_privs, and a unit may forbid capset(2).
        #expect(try probe.line().replacing("inh 16777216", with: "inh 0") == endState)
    }

    @Test func `With a larger bounding set the error names the remedy`() throws {
        try requireRoot()
        let probe = try ChildProcess(
            "setpriv",
            [
                "--reuid=990", "--regid=991", "--clear-groups", "--inh-caps=-all,+sys_resource",
                "--ambient-caps=-all,+sys_resource", ChildProcess.probePath, "become=-",
            ])
        #expect(try probe.line().contains("set CapabilityBoundingSet=CAP_SYS_RESOURCE"))
    }

    @Test func `A child program inherits no capability`() throws {
        try requireRoot()
        let probe = try ChildProcess.probe("become=990:991", "execute=grep,-E,^Cap(Prm|Eff|Amb),/proc/self/status")
        _ = try probe.line()
        for _ in 0..<3 { #expect(try probe.line().hasSuffix("\t0000000000000000")) }
    }
}
