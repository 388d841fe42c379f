import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Pods in the layouts of container runtimes")
struct PodTests {
    static let uid = "3a1f0c1e-9d4b-4d52-8a77-0f6c2b1d9e10"
    static let escaped = "3a1f0c1e_9d4b_4d52_8a77_0f6c2b1d9e10"
    static let id = "5f2d8c0b7c1e4a6f93d2b1a0c9e8d7f65f2d8c0b7c1e4a6f93d2b1a0c9e8d7f6"

    // Each layout: the cgroup driver and quality of service, then the path below the pod.
    static let layouts: [(pod: String, rest: String)] = {
        let systemd = [
            "/kubepods.slice/kubepods-pod\(escaped).slice",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(escaped).slice",
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(escaped).slice",
            // A static pod of the node, with a hash as its uid.
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1fa2c6d1f1a3c0c7e2a4b6d8f0a1c2e3.slice",
        ]
        let cgroupfs = [
            "/kubepods/pod\(uid)", "/kubepods/burstable/pod\(uid)", "/kubepods/besteffort/pod\(uid)",
        ]
        let scopes = [
            "/cri-containerd-\(id).scope", "/crio-\(id).scope", "/crio-conmon-\(id).scope", "/docker-\(id).scope",
            "/crio-\(id).scope/container", "/cri-containerd-\(id).scope/init.scope",
            "/cri-containerd-\(id).scope/system.slice/nginx.service", "",
        ]
        let folders = ["/\(id)", "/crio-\(id)", "/crio-conmon-\(id)", "/\(id)/init.scope", ""]
        return systemd.flatMap { pod in scopes.map { (pod, $0) } }
            + cgroupfs.flatMap { pod in folders.map { (pod, $0) } }
    }()

    @Test(
        "Pods are found with systemd and cgroupfs, each quality of service, containerd, CRI-O and Docker",
        arguments: layouts)
    func layout(pod: String, rest: String) {
        #expect(CgroupPath.pod(of: pod + rest, below: Policy.standardPodRoots).map(String.init) == pod)
    }

    static let nodeRoot = "/system.slice/docker-\(id).scope/kubelet.slice/kubelet-kubepods.slice"
    static let nested: [(root: String, path: String, pod: String?)] = [
        // kind: a node is a container with a slice for its kubelet.
        (
            nodeRoot,
            nodeRoot + "/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod\(escaped).slice"
                + "/cri-containerd-\(id).scope",
            nodeRoot + "/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod\(escaped).slice"
        ),
        (nodeRoot, nodeRoot + "/kubelet-kubepods-besteffort.slice", nil),
        (nodeRoot, "/system.slice/docker-\(id).scope/kubelet.slice/kubelet.service", nil),
        // The same without its root in pod_roots.
        ("/kubepods.slice", nodeRoot + "/kubelet-kubepods-pod\(escaped).slice/cri-containerd-\(id).scope", nil),
        (
            "/docker/\(id)/kubelet/kubepods", "/docker/\(id)/kubelet/kubepods/burstable/pod\(uid)/\(id)",
            "/docker/\(id)/kubelet/kubepods/burstable/pod\(uid)"
        ),
        // k3s in a container, and as a service.
        (
            "/system.slice/k3s.service/kubepods", "/system.slice/k3s.service/kubepods/burstable/pod\(uid)/\(id)",
            "/system.slice/k3s.service/kubepods/burstable/pod\(uid)"
        ),
        // A root with a name that contains the mark.
        ("/kube-pods.slice", "/kube-pods.slice/kube-pods-burstable.slice", nil),
        (
            "/kube-pods.slice", "/kube-pods.slice/kube-pods-burstable.slice/kube-pods-burstable-pod\(escaped).slice/x",
            "/kube-pods.slice/kube-pods-burstable.slice/kube-pods-burstable-pod\(escaped).slice"
        ),
    ]

    @Test("Pods of nodes in containers are found by pod_roots", arguments: nested)
    func nestedNode(root: String, path: String, pod: String?) {
        #expect(CgroupPath.pod(of: path, below: [root]).map(String.init) == pod)
    }

    @Test("Of nested roots the innermost counts, in any order")
    func rootsWithinEachOther() {
        let roots = ["/kubepods", "/kubepods/pod1/c/kubepods"]
        let path = "/kubepods/pod1/c/kubepods/pod2/d"
        for roots in [roots, roots.reversed()] {
            #expect(CgroupPath.pod(of: path, below: roots).map(String.init) == "/kubepods/pod1/c/kubepods/pod2")
            #expect(CgroupPath.pod(of: "/kubepods/pod1/c", below: roots).map(String.init) == "/kubepods/pod1")
        }
        #expect(Policy(podRoots: roots) == Policy(podRoots: roots.reversed()))
    }

    static let hostile: [String] = [
        "/user.slice/user-1000.slice/user@1000.service/kubepods.slice/kubepods-pod1.slice/x",
        "/user.slice/user-1000.slice/user@1000.service/kubepods.slice/pod1", "/user.slice/kubepods/pod1/c",
        "/kubepods/pod1/../pod2/c", "/../kubepods/pod1/c", "/..", "/../..", "/kubepods/pod1/c (deleted)",
        "/kubepods/pod1 (deleted)", "/kubepods/-pod.slice/c", "/kubepods.slice/-pod.slice/c",
        "/kubepods.slice/-pod1.slice/c", "/kubepods.slice/kubepods-pod.slice/c", "/kubepods.slice/pod.slice/c",
        "/kubepods/pod/c", "/kubepodsx/pod1/c", "/kubepods.slicex/kubepods-pod1.slice/c", "/kubepods//pod1/c",
        "/kubepods/./pod1/c", "kubepods/pod1/c", "", "/", "/kubepods\u{301}/pod1/c", "/kubepods/\u{301}pod1/c",
        "/system.slice/kubepods.slice/kubepods-pod1.slice/c", "/kubepods.slice/kubepods-podx.sliced/c",
    ]

    @Test("The name of a cgroup cannot imitate a pod", arguments: hostile)
    func noPod(path: String) {
        #expect(CgroupPath.pod(of: path, below: Policy.standardPodRoots) == nil)
    }

    @Test(
        "A cgroup that a container creates, whatever its name, is still in its own pod",
        arguments: [
            "/kubepods/pod1/c/pod2", "/kubepods/pod1/c/kubepods/pod2/x", "/kubepods/pod1/pod2",
            "/kubepods/pod1/\u{301}pod2",
            "/kubepods/pod1/c/kubepods.slice/kubepods-pod2.slice/x", "/kubepods/pod1/c/..x",
            "/kubepods/pod1/c/-pod.slice",
        ])
    func delegated(path: String) throws {
        #expect(CgroupPath.pod(of: path, below: Policy.standardPodRoots).map(String.init) == "/kubepods/pod1")
        // It therefore matches no process of the other pod.
        let policy = Policy(allows: [allow(caller: inKubepods, target: TargetPattern(.samePod))])
        let peer = caller(depth: 2, cgroup: path)
        #expect(!policy.grants(set(files(9000)), by: peer, on: process(), detail(cgroup: "/kubepods/pod2/c")))
        #expect(policy.grants(set(files(9000)), by: peer, on: process(), detail(cgroup: "/kubepods/pod1/d")))
    }

    @Test(
        "A name like that of a removed or outside cgroup grants nothing and bypasses no deny rule",
        arguments: [
            "/kubepods/pod1/c/x (deleted)", "/kubepods/pod1/c/\u{600} (deleted)", "/../kubepods/pod1/c", "/..",
            "/../\u{301}pod1",
        ])
    func unclear(path: String) throws {
        let peer = caller(depth: 2, cgroup: path)
        let wide = allow(caller: inKubepods)
        #expect(!Policy(allows: [wide]).grants(set(files(9000)), by: peer))
        // In the agent's namespace, something is granted that a deny rule can refuse.
        let local = caller(cgroup: path)
        let everyone = allow("all", caller: .everyone)
        #expect(Policy(allows: [everyone]).grants(set(files(9000)), by: local))
        for keys in [inKubepods.keys, CallerKeys(units: [UnitPattern("x.service")])] {
            let deny = DenyRule(name: "d", caller: CallerPattern(keys), above: Ceilings([.openFiles: 5000]))
            #expect(!Policy(allows: [everyone], denies: [deny]).grants(set(files(9000)), by: local))
            #expect(Policy(allows: [everyone], denies: [deny]).grants(set(files(9000)), by: caller(cgroup: "/")))
        }
        for relation in [TargetPattern.Relation.samePod, .sameCgroup] {
            let deny = DenyRule(name: "d", caller: .everyone, target: TargetPattern(relation))
            #expect(!Policy(allows: [everyone], denies: [deny]).grants(set(files(9000)), by: local))
        }
    }

    private var inKubepods: CallerPattern {
        CallerPattern(CallerKeys(cgroups: ["/kubepods/**"].compactMap { try? CgroupPattern($0) }))
    }
}
