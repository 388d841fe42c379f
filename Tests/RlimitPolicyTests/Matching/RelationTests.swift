import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Relations of target and caller")
struct RelationTests {
    func grants(
        _ relation: TargetPattern.Relation, users: IDSet? = nil, by peer: Peer = caller(), on snapshot: TargetSnapshot,
        _ detail: ProcessDetail = plain
    ) throws -> Bool {
        let pattern = CallerPattern(CallerKeys(cgroups: [try CgroupPattern("/**")]))
        let policy = Policy(allows: [allow(caller: pattern, target: TargetPattern(relation, users: users))])
        return policy.grants(set(files(8192)), by: peer, on: snapshot, detail)
    }

    func denies(
        _ relation: TargetPattern.Relation, users: IDSet? = nil, by peer: Peer = caller(), on snapshot: TargetSnapshot,
        _ detail: ProcessDetail = plain
    ) -> Bool {
        let policy = Policy(denies: [
            DenyRule(name: "no", caller: .everyone, target: TargetPattern(relation, users: users))
        ])
        return policy.refused(set(files(8192)), by: peer, on: snapshot, detail)?.rule == "no"
    }

    @Test("`self` is the process that connected, with the ids at connect")
    func itselfOnly() throws {
        #expect(try grants(.itself, on: itself()))
        #expect(try !grants(.itself, on: process()))
        #expect(try !grants(.itself, on: process(uid: 1001)))
    }

    @Test("`same-user` is every process with the caller's six ids")
    func sameUser() throws {
        #expect(try grants(.sameUser, on: itself()))
        #expect(try grants(.sameUser, on: process()))
        #expect(try !grants(.sameUser, on: process(uid: 1001)))
        #expect(try !grants(.sameUser, on: process(gid: 1001)))
    }

    @Test("For a caller in a container, `same-user` is its own pod, or only itself without a pod")
    func sameUserInContainer() throws {
        let peer = contained()
        #expect(try grants(.sameUser, by: peer, on: itself(peer)))
        #expect(try grants(.sameUser, by: peer, on: process(), detail(cgroup: "/kubepods/burstable/pod1/c2")))
        #expect(try !grants(.sameUser, by: peer, on: process(), detail(cgroup: "/kubepods/burstable/pod2/c2")))
        #expect(try !grants(.sameUser, by: peer, on: process(), detail(cgroup: "/system.slice/x.service")))
        #expect(try !grants(.sameUser, by: peer, on: process(), detail(cgroup: nil)))
        #expect(try !grants(.sameUser, by: peer, on: process(uid: 0), detail(cgroup: "/kubepods/burstable/pod1/c2")))
        let docker = caller(depth: 2, cgroup: "/system.slice/docker-1.scope")
        #expect(try grants(.sameUser, by: docker, on: itself(docker)))
        #expect(try !grants(.sameUser, by: docker, on: process(), detail(cgroup: "/system.slice/docker-1.scope")))
    }

    @Test("`descendant` is a process below the caller with its ids, and not the caller itself")
    func descendant() throws {
        let below = detail(cgroup: nil, ancestors: [600, 500, 1])
        #expect(try grants(.descendant, on: process(), below))
        #expect(try !grants(.descendant, on: process(), detail(cgroup: nil, ancestors: [600, 1])))
        #expect(try !grants(.descendant, on: process(), detail(cgroup: nil, ancestors: [])))
        #expect(try !grants(.descendant, on: process(uid: 1001), below))
        #expect(try !grants(.descendant, on: itself(), below))
        #expect(try !grants(.descendant, by: caller(pid: nil), on: process(), below))
        #expect(!denies(.descendant, on: process(), detail(cgroup: nil, ancestors: [600, 1])))
        #expect(denies(.descendant, on: process(), detail(cgroup: nil, ancestors: [600])))
    }

    @Test("`same-cgroup` includes other users, but nothing below /user.slice")
    func sameCgroup() throws {
        let peer = caller(cgroup: "/system.slice/app.service")
        #expect(try grants(.sameCgroup, by: peer, on: itself(peer)))
        #expect(try grants(.sameCgroup, by: peer, on: process(uid: 1001), detail(cgroup: "/system.slice/app.service")))
        #expect(try !grants(.sameCgroup, by: peer, on: process(), detail(cgroup: "/system.slice/app.service/sub")))
        #expect(try !grants(.sameCgroup, by: peer, on: process(), detail(cgroup: nil)))
        for cgroup in ["/user.slice/user-1000.slice/a", "/", "/../x", "/a (deleted)"] {
            #expect(try !grants(.sameCgroup, by: caller(cgroup: cgroup), on: process(), detail(cgroup: cgroup)))
        }
        #expect(denies(.sameCgroup, by: caller(cgroup: nil), on: process()))
    }

    @Test("`same-pod` includes other users of the pod")
    func samePod() throws {
        let peer = contained()
        #expect(try grants(.samePod, by: peer, on: itself(peer)))
        #expect(try grants(.samePod, by: peer, on: process(uid: 1001), detail(cgroup: "/kubepods/burstable/pod1/c2")))
        #expect(try !grants(.samePod, by: peer, on: process(uid: 1001), detail(cgroup: "/kubepods/burstable/pod2/c2")))
        #expect(
            try !grants(.samePod, by: peer, on: process(), detail(cgroup: "/user.slice/kubepods/burstable/pod1/c2")))
        let host = caller(cgroup: "/system.slice/x.service")
        #expect(try !grants(.samePod, by: host, on: process(), detail(cgroup: "/system.slice/x.service")))
    }

    @Test("`any` is every process, `other-user` every process with a user id other than the caller's")
    func anyAndOther() throws {
        for snapshot in [itself(), process(), process(uid: 1001)] { #expect(try grants(.any, on: snapshot)) }
        #expect(try !grants(.otherUser, on: process(gid: 5)))
        #expect(try grants(.otherUser, on: process(uid: 1001)))
        var saved = process()
        saved.identity.credentials.savedUID = 1001
        #expect(denies(.otherUser, on: saved))
        #expect(!denies(.otherUser, on: process()))
    }

    @Test("For target.users, an allow rule requires all three ids, a deny rule any of them")
    func targetUsers() throws {
        var mixed = process(uid: 1001)
        mixed.identity.credentials.savedUID = 1002
        #expect(try grants(.any, users: IDSet(1001), on: process(uid: 1001)))
        #expect(try !grants(.any, users: IDSet(1001), on: mixed))
        #expect(try grants(.any, users: IDSet(1001, 1002), on: mixed))
        #expect(denies(.any, users: IDSet(1002), on: mixed))
        #expect(!denies(.any, users: IDSet(1003), on: mixed))
    }

    @Test("A target with more privilege than the caller must be named in target.users")
    func privilege() throws {
        let capable = detail(cgroup: nil, capabilities: 0b11)
        #expect(try !grants(.any, on: process(uid: 0, gid: 0)))
        #expect(try grants(.any, users: IDSet(0), on: process(uid: 0, gid: 0)))
        #expect(try !grants(.sameUser, on: process(), capable))
        #expect(try grants(.sameUser, users: IDSet(1000), on: process(), capable))
        #expect(try !grants(.any, by: caller(capabilities: 0b01), on: process(), capable))
        #expect(try grants(.any, by: caller(capabilities: 0b11), on: process(), capable))
        #expect(try grants(.itself, on: itself(), capable))
        let root = caller(uid: 0, gid: 0)
        #expect(try grants(.sameUser, by: root, on: itself(root)))
        #expect(try !grants(.sameUser, by: root, on: process(uid: 0, gid: 0)))
        var setuid = process(uid: 1001)
        setuid.identity.credentials.savedUID = 0
        #expect(try !grants(.any, on: setuid))
    }

    @Test("An unknown fact does not stop a deny rule")
    func unknownInDeny() {
        let blind = contained()
        #expect(denies(.samePod, by: blind, on: process(uid: 1001), detail(cgroup: nil)))
        #expect(denies(.sameUser, by: blind, on: process(), detail(cgroup: nil)))
        #expect(!denies(.sameUser, by: blind, on: process(uid: 1001), detail(cgroup: nil)))
    }
}
