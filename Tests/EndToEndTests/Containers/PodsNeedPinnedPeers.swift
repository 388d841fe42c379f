import Foundation
import Testing

/// Rules by cgroup for containers in cgroups with the names that Kubernetes uses. Before Linux 6.5 no such rule
/// matches, so the name of the suite ends in NeedPinnedPeers.
@Suite(
    "Pods", .serialized, .enabled(if: Machine.mayRaiseHardLimits && Machine.pinsPeers, "\(Machine.needsPinnedPeers)"))
struct PodsNeedPinnedPeers {
    private static let policy = """
        version = 1
        [[allow]]
        name = "pods"
        caller.cgroups = ["/kubepods.slice/**", "/kubepods/**"]
        target = "same-pod"
        limits.nofile = 9000
        """
    private static let pod = "0f1e2d3c-1111-2222-3333-444455556666"
    private static let otherPod = "ffffffff-1111-2222-3333-444455556666"

    private func container(
        _ agent: AgentProcess, _ layout: ContainerLayout, _ id: String, pod: String = pod,
        hasUserNamespace: Bool = false, sharingPIDsWith neighbour: Container? = nil
    ) throws -> Container {
        try Container(
            agent, cgroup: layout.path(ofContainer: id, inPod: pod), id: "\(id)-\(layout)", runtime: layout.runtime,
            hasUserNamespace: hasUserNamespace, sharingPIDsWith: neighbour)
    }

    private func openFiles(_ pid: pid_t) throws -> String { try ProcessFiles(pid: pid).limit("Max open files").hard }

    @Test(arguments: ContainerLayout.allCases, [false, true])
    func `An app raises its own hard limit with the tool and with the library`(
        layout: ContainerLayout, hasUserNamespace: Bool
    ) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let app = try container(agent, layout, "app", hasUserNamespace: hasUserNamespace)
        let alone = try app.shell("ulimit -n 9000")
        #expect(alone.status != 0, "the kernel allows it without the agent, so the test shows nothing")
        let tool = try app.shell("rlimitctl set nofile=9000 && ulimit -Hn")
        #expect(tool.output.hasSuffix("\n9000\n"), "\(tool)")
        let library = try app.shell("raise-files 100000")
        #expect(library.output.contains("after:  9000:9000"), "\(library)")
        let tooMuch = try app.shell("rlimitctl set nofile=9001")
        #expect(tooMuch.status == 77 && tooMuch.error.contains("\"pods\""), "\(tooMuch)")
        let line = try agent.logLine(containing: "granted", "rule=pods", "resource=nofile")
        let uid = Account.alice.uid + (hasUserNamespace ? Container.firstMappedID : 0)
        #expect(line.contains("peer_uid=\(uid)"), "\(line)")
    }

    @Test(arguments: ContainerLayout.allCases)
    func `A sidecar raises another process of its pod by the pid that it sees`(layout: ContainerLayout) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let app = try container(agent, layout, "app")
        let sidecar = try container(agent, layout, "sidecar", sharingPIDsWith: app)
        let (process, outside, inside) = try app.sleeper()
        #expect(inside != outside)
        let result = try sidecar.run("rlimitctl", "set", "nofile=9000", "--pid", "\(inside)")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output == "nofile 4096:4096 -> 9000:9000  sleep (pid \(inside))\n")
        #expect(try openFiles(outside) == "9000")
        #expect(process.isRunning)
    }

    @Test func `A sidecar with its own PID namespace cannot name another container's process`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let app = try container(agent, .containerd, "app"), sidecar = try container(agent, .containerd, "sidecar")
        let (process, outside, _) = try app.sleeper()
        // The pid of the process outside names no process in the sidecar's namespace.
        let result = try sidecar.run("rlimitctl", "set", "nofile=9000", "--pid", "\(outside)")
        #expect(result.status == 1, "\(result)")
        #expect(try openFiles(outside) == "4096")
        #expect(process.isRunning)
    }

    @Test(arguments: ContainerLayout.allCases)
    func `A sidecar raises its whole pod and no other`(layout: ContainerLayout) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let app = try container(agent, layout, "app"), sidecar = try container(agent, layout, "sidecar")
        let other = try container(agent, layout, "other", pod: Self.otherPod)
        let first = try app.sleeper(), second = try app.sleeper(), stranger = try other.sleeper()
        let result = try sidecar.run("client-probe", "raise-pod", "nofile=8000:8000")
        #expect(result.status == 0, "\(result)")
        for sleeper in [first, second] { #expect(try openFiles(sleeper.outside) == "8000", "\(result.output)") }
        let tool = try sidecar.run("rlimitctl", "set", "--pod", "own", "--at-least", "nofile=9000:9000")
        #expect(tool.status == 0, "\(tool)")
        for sleeper in [first, second] {
            #expect(try openFiles(sleeper.outside) == "9000", "\(result.output)")
            #expect(sleeper.process.isRunning)
        }
        #expect(try openFiles(stranger.outside) == "4096")
        #expect(stranger.process.isRunning)
    }

    @Test(arguments: ContainerLayout.allCases)
    func `A container of another pod is refused although it sees the process, and the refusal is audited`(
        layout: ContainerLayout
    ) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let app = try container(agent, layout, "app")
        let other = try container(agent, layout, "other", pod: Self.otherPod, sharingPIDsWith: app)
        let (process, outside, inside) = try app.sleeper()
        for asRoot in [false, true] {
            let result = try other.run(
                "rlimitctl", "set", "nofile=9000", "--pid", "\(inside)", asRoot: asRoot)
            #expect(result.status == 77, "\(result)")
            #expect(try openFiles(outside) == "4096")
            _ = try agent.logLine(
                containing: "refused", "operation=set", "peer_uid=\(asRoot ? 0 : Account.alice.uid)",
                "target_pid=\(outside)", "code=deniedByPolicy")
        }
        #expect(process.isRunning)
    }

    @Test func `A cgroup with a name like a pod's is not a pod`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        for cgroup in ["/user.slice/kubepods.slice/kubepods-pod1.slice/crio-a.scope", "/kubepods.slice.d/pod1/a"] {
            let impostor = try Container(agent, cgroup: cgroup)
            let result = try impostor.shell("rlimitctl set nofile=9000")
            #expect(result.status == 77, "\(cgroup): \(result)")
        }
    }

    @Test func `A running client is served again after the agent restarts`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let app = try container(agent, .containerd, "app")
        // The client raises its hard limit by one, again and again, and prints each new value.
        let client = try app.start(["sh", "-c", "ulimit -n 4096; exec client-probe raise-on 8000"])
        func lastReported() -> Int { client.output.split(separator: "\n").compactMap { Int($0) }.last ?? 0 }
        try waitUntil("the client is served: \(client.error)") { lastReported() >= 4098 }
        let first = agent.pid
        try agent.restart()
        #expect(agent.pid != first)
        let before = lastReported()
        try waitUntil("the client is served again: \(client.output)") { lastReported() >= before + 3 }
        #expect(client.isRunning)
    }
}
