import Testing

@testable import RlimitPolicy

@Suite("Patterns")
struct PatternTests {
    static let cgroups: [(String, String, Bool)] = [
        ("/a/b", "/a/b", true), ("/a/b", "/a/b/c", false), ("/a/b", "/a", false), ("/a/b", "/x/a/b", false),
        ("/a/*", "/a/b", true), ("/a/*", "/a/b/c", false), ("/a/*", "/a", false), ("/*/b", "/a/b", true),
        ("/a/**", "/a/b", true), ("/a/**", "/a/b/c/d", true), ("/a/**", "/a", false), ("/a/**", "/ab/c", false),
        ("/**", "/a", true), ("/**", "/", false), ("/a*c/d", "/abc/d", true), ("/a*c/d", "/ac/d", true),
        ("/a*c/d", "/ab/c/d", false), ("/*x*y*", "/axbyc", true), ("/*x*y*", "/aybxc", false), ("/*ab", "/aab", true),
        ("/kubepods.slice/**", "/user.slice/kubepods.slice/pod1", false), ("/a/*-x/**", "/a/p-x/q", true),
        ("/a/*-x/**", "/a/p-x", false), ("/a/b*/**", "/a/b/c", true), ("/a/*", "/a/b (deleted)", false),
        ("/a/**", "/a/../b", false), ("/a/**", "/../a/b", false), ("/**", "/..", false), ("/**", "", false),
        ("/**", "a", false), ("/a/**", "/a//b", false), ("/a/**", "/a/", false), ("/a/**", "/a/./b", false),
    ]

    @Test("A cgroup pattern is anchored at both ends, and a star matches within one component", arguments: cgroups)
    func cgroup(pattern: String, path: String, fits: Bool) throws {
        #expect(try CgroupPattern(pattern).matches(path) == fits)
    }

    static let malformed: [(String, CgroupPattern.Malformed)] = [
        ("", .relative), ("a", .relative), ("*", .relative), ("/", .root), ("//", .emptyComponent),
        ("/a/", .emptyComponent), ("/a//b", .emptyComponent), ("/a/..", .dots), ("/./a", .dots),
        ("/**/a", .starsNotLast), ("/a**", .starsNotLast), ("/a/**/", .starsNotLast), ("/a/***", .starsNotLast),
    ]

    @Test("A path that cannot match is rejected as a pattern", arguments: malformed)
    func malformedCgroup(text: String, fault: CgroupPattern.Malformed) {
        #expect(throws: fault) { try CgroupPattern(text) }
    }

    static let units: [(String, String, Bool)] = [
        ("nginx.service", "/system.slice/nginx.service", true),
        ("nginx.service", "/system.slice/nginx.service/worker", true),
        ("nginx.service", "/system.slice/system-web.slice/nginx.service", true),
        ("nginx.service", "/web.slice/nginx.service", true),
        ("nginx.service", "/nginx.service", false),
        ("nginx.service", "/system.slice/other.service/nginx.service", false),
        ("nginx.service", "/docker/1/system.slice/nginx.service", false),
        ("nginx.service", "/user.slice/user-1000.slice/nginx.service", false),
        ("nginx.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service", false),
        ("nginx.service", "/user.slice.slice/nginx.service", true),
        ("nginx.service", "/system.slice/xnginx.service", false),
        ("nginx.service", "/system.slice/nginx.service (deleted)", false),
        ("nginx.service", "/system.slice/../nginx.service", false),
        ("nginx.service", "/system.slice", false),
        ("getty@*.service", "/system.slice/system-getty.slice/getty@tty1.service", true),
        // The owner of a delegated unit chooses the names below it. A combining accent does not hide a slash.
        ("nginx.service", "/system.slice/docker-1.scope/x.slice/nginx.service", false),
        ("nginx.service", "/system.slice/docker-1.scope/\u{301}x.slice/nginx.service", false),
        ("nginx.service", "/machine.slice/machine-a.scope/payload/system.slice/nginx.service", false),
        ("nginx.service", "/lxc.payload.a/system.slice/nginx.service", false),
        ("nginx.service", "/user.slice/\u{301}x.slice/nginx.service", false),
    ]

    @Test("A unit matches in any system slice, and not below /user.slice", arguments: units)
    func unit(pattern: String, path: String, fits: Bool) {
        #expect(UnitPattern(pattern).matches(path) == fits)
    }

    static let pods: [(String, String?)] = [
        ("/kubepods/burstable/pod12/c1", "/kubepods/burstable/pod12"),
        ("/kubepods/pod12", "/kubepods/pod12"),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-1.scope",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice"
        ),
        ("/kubepods.slice/kubepods-pod7.slice/x/y", "/kubepods.slice/kubepods-pod7.slice"),
        ("/kubepods.slice/kubepods-besteffort.slice", nil), ("/kubepods/burstable", nil), ("/kubepods", nil),
        ("/kubepods/pod", nil), ("/kubepods.slice/kubepods-pod.slice/x", nil), ("/kubepodsx/pod1/c", nil),
        ("/user.slice/kubepods.slice/pod1/c", nil), ("/system.slice/pod1", nil), ("/kubepods/pod1/../pod2/c", nil),
        ("/kubepods/pod1/c (deleted)", nil), ("/", nil),
    ]

    @Test("A pod is found only below the roots of pods", arguments: pods)
    func pod(path: String, pod: String?) {
        #expect(CgroupPath.pod(of: path, below: Policy.standardPodRoots).map(String.init) == pod)
    }

    @Test("Many stars are matched in bounded time")
    func hostileStars() {
        let pattern = TextPattern(String(repeating: "*a", count: 50) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 5000)))
    }

    @Test("Ids are found in ranges that overlap, touch, or have any order")
    func idSets() {
        let set = IDSet([50...60, 0...0, 10...20, 15...30, 31...31, 4_294_967_290...4_294_967_294])
        #expect(set.ranges == [0...0, 10...31, 50...60, 4_294_967_290...4_294_967_294])
        for id in [0, 10, 20, 31, 50, 60, 4_294_967_294] as [UInt32] { #expect(set.contains(id)) }
        for id in [1, 9, 32, 49, 61, 4_294_967_295] as [UInt32] { #expect(!set.contains(id)) }
        #expect(!IDSet().contains(0))
        #expect(IDSet([0...UInt32.max, 5...7]).ranges == [0...UInt32.max])
    }
}
