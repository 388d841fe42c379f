import Foundation
import RlimitModel
import Testing

/// Callers in containers, on any kernel.
@Suite("Containers", .serialized, .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct ContainersNeedsCapability {
    /// Rules for users and groups of the host, and a rule for pods.
    private static let policy = """
        version = 1
        [[allow]]
        name = "hosts"
        caller.users = ["0-4294967294"]
        limits.nofile = 500_000
        [[allow]]
        name = "wheel"
        caller.groups = [10]
        target = { relation = "any", users = ["0-4294967294"] }
        operations = ["get", "set", "usage", "stats", "lease_list"]
        limits.nofile = 500_000
        [[allow]]
        name = "pods"
        caller.cgroups = ["/kubepods.slice/**"]
        limits.nofile = 9000
        """
    private static let pod = ContainerLayout.containerd

    @Test func `Root in a container matches no rule of the host, whatever user and groups it takes`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        #expect(
            try Rlimitctl(agent, as: .bob).shell("rlimitctl set nofile=5000", limits: ["--nofile=4096"]).status == 0)
        let container = try Container(agent, cgroup: "/rlimitd-test.slice/elsewhere")
        for ids in ["--reuid=0 --regid=0 --clear-groups", "--reuid=64001 --regid=10 --groups=10,0,27"] {
            let script = "setpriv \(ids) sh -c 'id; rlimitctl set nofile=5000; echo $?; ulimit -Hn'"
            let result = try container.shell(script, asRoot: true)
            #expect(result.output.hasSuffix("\n77\n4096\n"), "\(ids): \(result)")
            #expect(result.output.contains("groups=10") == ids.contains("groups=10"))
        }
        _ = try agent.logLine(containing: "refused", "peer_uid=64001", "resource=nofile")
    }

    @Test func `A pid without a pidfd is answered PIDFD_REQUIRED, and clients send the pidfd`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let container = try Container(agent, cgroup: "/rlimitd-test.slice/elsewhere")
        let (process, outside, inside) = try container.sleeper()
        #expect(inside != outside)
        // A get of process `inside` by pid, from a language without support for descriptors.
        let request = RequestBytes.get(processNumber: UInt64(inside)).map { "\($0)" }.joined(separator: ",")
        let perl = """
            use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => '/run/rlimitd/rlimitd.sock') or die $!;
            syswrite $s, pack('C*', \(request)); sysread $s, my $answer, 65536; print join ',', unpack 'C*', $answer;
            """
        let raw = try container.run("perl", "-e", perl)
        let bytes = raw.output.split(separator: ",").compactMap { UInt8($0) }
        #expect(try RequestBytes.error(inFrame: bytes)?.code == .pidfdRequired, "\(raw)")
        // The pid counts in the container's namespace. Outside it names another process or none.
        let got = try container.run("rlimitctl", "get", "nofile", "--pid", "\(inside)")
        #expect(got.status == 0 && got.output.contains(" 4096 "), "\(got)")
        #expect(process.isRunning)
    }

    @Test(arguments: ["runc", "crun"])
    func `A caller in a user namespace has its outside ids`(runtime: String) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let container = try Container(
            agent, cgroup: "/rlimitd-test.slice/mapped", runtime: runtime, as: Account(uid: 0, gid: 0),
            hasUserNamespace: true)
        #expect(try container.run("id", "-u").output == "0\n")
        let status = try JSONObject(try container.run("rlimitctl", "--json", "status").output)
        #expect(status["caller"]["uid"].number == Int(Container.firstMappedID))
        #expect(status["caller"]["gid"].number == Int(Container.firstMappedID))
        #expect(status["caller"]["namespaceDepth"].number == 2)
        #expect(status["caller"]["hasMixedIDs"].number == 0)
        let user = try container.run("setpriv", "--reuid=1000", "--clear-groups", "rlimitctl", "--json", "status")
        #expect(try JSONObject(user.output)["caller"]["uid"].number == 101_000)
    }

    @Test func `Namespaces made by bubblewrap count as containers`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let folder = (agent.socket as NSString).deletingLastPathComponent
        let programs = (try Programs.rlimitctl as NSString).deletingLastPathComponent
        func inside(_ words: String...) throws -> ChildProcess.Result {
            let namespaces = [
                "bwrap", "--unshare-user", "--uid", "0", "--gid", "0", "--unshare-pid", "--die-with-parent",
            ]
            let files = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
            let mounts = ["--ro-bind", folder, "/tmp/agent", "--ro-bind", programs, "/tmp/programs"]
            return try ChildProcess.run(
                ["prlimit", "--nofile=4096:4096"] + Account.alice.setpriv + namespaces + files + mounts
                    + ["/tmp/programs/rlimitctl", "--socket", "/tmp/agent/rlimitd.sock"] + words)
        }
        let status = try inside("--json", "status")
        #expect(try JSONObject(status.output)["caller"]["uid"].number == Int(Account.alice.uid), "\(status.error)")
        #expect(try JSONObject(status.output)["caller"]["namespaceDepth"].number == 2)
        let run = try inside("run", "nofile=5000", "--", "true")
        #expect(run.status == 125 && run.error.contains("no rule"), "\(run)")
        let optional = try inside("run", "--optional", "nofile=5000", "--", "sh", "-c", "ulimit -Hn")
        #expect(optional.output == "4096\n", "\(optional)")
    }

    @Test func `Rules by cgroup match only where the kernel pins the caller`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let container = try Container(agent, cgroup: Self.pod.path(ofContainer: "aa", inPod: "11-22"))
        let status = try JSONObject(try container.run("rlimitctl", "--json", "status").output)
        #expect(status["caller"]["isPinned"].number == (Machine.pinsPeers ? 1 : 0))
        #expect(status["caller"]["cgroup"].text == (Machine.pinsPeers ? container.cgroup : nil))
        let result = try container.shell("rlimitctl set nofile=9000; echo $?; ulimit -Hn")
        #expect(result.output.hasSuffix(Machine.pinsPeers ? "\n0\n9000\n" : "77\n4096\n"), "\(result)")
    }

    @Test func `An id that the agent's user namespace does not map gets no connection`() throws {
        let agent = try AgentProcess(
            policy: Self.policy, options: ["--allow-user-namespace", "--allow-no-capability"],
            prefix: ["unshare", "--user", "--map-user=\(Account.agent.uid)", "--map-group=\(Account.agent.gid)"])
        // The namespace maps one id, which is served. All other ids appear as 65534.
        let known = try Rlimitctl(agent, as: .root)("--json", "status")
        #expect(try JSONObject(known.output)["caller"]["uid"].number == Int(Account.agent.uid), "\(known)")
        for account in [Account.alice, Account(uid: 65_534, gid: 65_534)] {
            let unknown = try Rlimitctl(agent, as: account)("--json", "status")
            #expect(unknown.status == 69, "\(unknown)")
        }
        #expect(agent.isRunning)
    }
}
