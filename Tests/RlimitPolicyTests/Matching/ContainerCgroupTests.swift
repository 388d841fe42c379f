import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("The container of a cgroup")
struct ContainerCgroupTests {
    static let id = "5f2d8c0b7c1e4a6f93d2b1a0c9e8d7f6"

    static let layouts: [(container: String, below: [String])] = [
        ("/kubepods/burstable/pod1/\(id)", ["", "/x", "/pod2/y", "/kubepods/pod3/z"]),
        ("/kubepods.slice/kubepods-pod1.slice/cri-containerd-\(id).scope", ["", "/init.scope", "/a.slice/b.scope"]),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/crio-\(id).scope",
            ["", "/container"]
        ),
        ("/system.slice/docker-\(id).scope", ["", "/system.slice/x.service", "/\u{301}a.slice/b"]),
        ("/machine.slice/libpod-\(id).scope", ["", "/container", "/container/x"]),
        ("/machine.slice/machine-a.scope", ["", "/payload/system.slice/x.service"]),
        ("/system.slice/a.service", ["", "/b", "/b/c"]),
        ("/docker/\(id)", ["", "/x", "/docker/y"]), ("/libpod_parent/libpod-\(id)", ["", "/x"]),
        ("/lxc/web", ["", "/x"]), ("/lxc.payload.web", ["", "/system.slice/x.service", "/x"]),
        ("/default/\(id)", ["", "/x"]), ("/mine", ["", "/x", "/docker/x"]),
        ("/user.slice/user-1000.slice", ["", "/user@1000.service/a", "/session-1.scope", "/x.slice/y"]),
        ("/../docker/\(id)", ["", "/x"]),
    ]

    @Test("Every cgroup below a container belongs to the container", arguments: layouts)
    func cut(container: String, below: [String]) {
        for rest in below {
            #expect(Policy.baselineOnly.container(of: container + rest) == container, "\(rest)")
            #expect(Policy.baselineOnly.container(of: container + rest + "/x (deleted) (deleted)") == container)
        }
    }

    @Test("A path without a container is returned unchanged", arguments: ["", "/", "/..", "a", "/x.slice/y.slice"])
    func odd(path: String) {
        #expect(Policy.baselineOnly.container(of: path) == path)
    }

    @Test("Administrators are root and callers with stats in the agent's namespace, and never a caller in a container")
    func administrators() {
        var rule = allow("watch", caller: .everyone)
        rule.operations = [.stats]
        let policy = Policy(allows: [rule])
        #expect(policy.isAdministrator(caller()) && Policy.baselineOnly.isAdministrator(caller(uid: 0, gid: 0)))
        #expect(!Policy.baselineOnly.isAdministrator(caller()))
        #expect(!policy.isAdministrator(contained()) && !policy.isAdministrator(contained(uid: 0)))
        var mixed = caller(uid: 0)
        mixed.hasMixedIDs = true
        #expect(!policy.isAdministrator(mixed))
        let deny = DenyRule(name: "no", caller: .users(1000), operations: [.stats])
        #expect(!Policy(allows: [rule], denies: [deny]).isAdministrator(caller()))
    }
}
