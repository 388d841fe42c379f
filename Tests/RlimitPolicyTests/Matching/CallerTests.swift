import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Matching of callers")
struct CallerTests {
    func grants(_ pattern: CallerPattern, to peer: Peer) -> Bool {
        Policy(allows: [allow(caller: pattern, target: TargetPattern(.itself))]).grants(set(files(8192)), by: peer)
    }

    func denies(_ pattern: CallerPattern, to peer: Peer) throws -> Bool {
        let everyone = CallerPattern(CallerKeys(cgroups: [try CgroupPattern("/**")]))
        let policy = Policy(
            allows: [
                allow("host", caller: .everyone, target: TargetPattern(.itself)),
                allow("containers", caller: everyone, target: TargetPattern(.itself)),
            ],
            denies: [DenyRule(name: "no", caller: pattern)])
        return policy.refused(set(files(8192)), by: peer)?.rule == "no"
    }

    @Test("Users match by number and by range")
    func users() {
        let pattern = CallerPattern(CallerKeys(users: IDSet([5...5, 1000...1999])))
        for (uid, fits) in [(4, false), (5, true), (6, false), (999, false), (1000, true), (1999, true), (2000, false)]
        {
            #expect(grants(pattern, to: caller(uid: UInt32(uid))) == fits)
        }
        #expect(!grants(CallerPattern(CallerKeys(users: IDSet())), to: caller()))
    }

    @Test("Groups match the primary and the supplementary ones")
    func groups() {
        let pattern = CallerPattern(CallerKeys(groups: IDSet(29)))
        #expect(grants(pattern, to: caller(gid: 29)))
        #expect(grants(pattern, to: caller(groups: [4, 29])))
        #expect(!grants(pattern, to: caller(groups: [4, 30])))
    }

    @Test("All keys must match, each with one of its values")
    func allKeys() {
        let pattern = CallerPattern(CallerKeys(users: IDSet(1000, 1001), groups: IDSet(29)))
        #expect(grants(pattern, to: caller(uid: 1001, groups: [29])))
        #expect(!grants(pattern, to: caller(uid: 1001)))
        #expect(!grants(pattern, to: caller(uid: 1002, groups: [29])))
    }

    @Test("Units, cgroups and labels match only a pinned caller")
    func facts() throws {
        let unit = CallerPattern(CallerKeys(units: [UnitPattern("nginx.service")]))
        let cgroup = CallerPattern(CallerKeys(cgroups: [try CgroupPattern("/system.slice/*")]))
        let label = CallerPattern(CallerKeys(labels: [TextPattern("nginx*")]))
        var peer = caller(cgroup: "/system.slice/nginx.service")
        peer.label = "nginx (enforce)"
        for pattern in [unit, cgroup, label] {
            #expect(grants(pattern, to: peer))
            #expect(try denies(pattern, to: peer))
            var other = peer
            other.cgroup = "/user.slice/other"
            other.label = "other"
            #expect(!grants(pattern, to: other))
            #expect(try !denies(pattern, to: other))
        }
    }

    @Test("An unknown fact stops allow rules and not deny rules")
    func unknownFacts() throws {
        let patterns = [
            CallerPattern(CallerKeys(units: [UnitPattern("nginx.service")])),
            CallerPattern(CallerKeys(cgroups: [try CgroupPattern("/system.slice/*")])),
            CallerPattern(CallerKeys(labels: [TextPattern("nginx*")])),
            CallerPattern(CallerKeys(), except: CallerKeys(units: [UnitPattern("cron.service")])),
        ]
        var unpinned = caller(pinned: false, cgroup: "/system.slice/nginx.service")
        unpinned.label = "nginx"
        for peer in [unpinned, caller(cgroup: nil)] {
            for pattern in patterns {
                #expect(!grants(pattern, to: peer))
                #expect(try denies(pattern, to: peer))
            }
        }
        // A known mismatch decides before an unknown fact.
        let bob = CallerPattern(CallerKeys(users: IDSet(1001), units: [UnitPattern("nginx.service")]))
        #expect(try !denies(bob, to: unpinned))
    }

    @Test("Exceptions take the same keys and apply if all of them match")
    func exceptions() throws {
        let pattern = CallerPattern(
            CallerKeys(users: IDSet([1000...1999])), except: CallerKeys(users: IDSet(1001), groups: IDSet(29)))
        for (peer, fits) in [(caller(), true), (caller(uid: 1001), true), (caller(uid: 1001, groups: [29]), false)] {
            #expect(grants(pattern, to: peer) == fits)
            #expect(try denies(pattern, to: peer) == fits)
        }
    }

    @Test(
        "A caller in a container is granted something only by a rule that names its cgroup, because its root can take any ids"
    )
    func containers() throws {
        let patterns: [CallerPattern] = [
            .everyone, .users(1000), CallerPattern(CallerKeys(groups: IDSet(1000))),
            CallerPattern(CallerKeys(), except: CallerKeys(cgroups: [try CgroupPattern("/elsewhere/*")])),
        ]
        for pattern in patterns {
            #expect(grants(pattern, to: caller()))
            for depth in [2, 3, 0, nil] { #expect(!grants(pattern, to: caller(depth: depth, cgroup: "/x/y"))) }
        }
        let named = CallerPattern(CallerKeys(users: IDSet(1000), cgroups: [try CgroupPattern("/kubepods/**")]))
        #expect(grants(named, to: contained()))
        #expect(!grants(named, to: contained(uid: 1001)))
        #expect(!grants(named, to: caller(cgroup: "/user.slice/kubepods/x")))
    }

    @Test("A deny rule also applies to callers in containers")
    func denyReachesContainers() throws {
        #expect(try denies(.everyone, to: contained()))
        #expect(try denies(.users(1000), to: contained()))
        #expect(try !denies(.users(1001), to: contained()))
    }
}
