import Testing

@testable import RlimitPolicyFile

@Suite("What a wrong policy file gets")
struct ComplaintTests {
    /// A line below a good rule's head, and what is said of it.
    static let inAllow: [(String, String)] = [
        ("limts.nofile = 5", "4:1: unknown key \"limts\" in an allow rule; did you mean \"limits\"?"),
        ("limits.nofiles = 5", "4:8: unknown resource \"nofiles\"; did you mean \"nofile\"?"),
        ("limits.sbsize = \"1M\"", "4:8: Linux has no resource \"sbsize\"; other systems do"),
        (
            "limits.memlock = 65536",
            "4:18: memlock 65536 has no unit (limits.conf counts KiB, the kernel bytes): write \"65536K\" or \"65536B\""
        ),
        (
            "limits.memlock = \"65536\"",
            "4:18: memlock 65536 has no unit (limits.conf counts KiB, the kernel bytes): write \"65536K\" or \"65536B\""
        ),
        (
            "limits.cpu = 10",
            "4:14: cpu 10 has no unit (limits.conf counts minutes, the kernel seconds): write \"10m\" or \"10s\""
        ),
        (
            "limits.rttime = 10",
            "4:17: rttime 10 has no unit (the kernel counts microseconds): write \"10us\" or \"10ms\""
        ),
        ("limits.msgqueue = 10", "4:19: msgqueue 10 has no unit: write \"10K\" or \"10B\""),
        (
            "limits.nofile = \"lots\"",
            "4:17: \"lots\" is no value for nofile; write a count as 1024, 64K, 1M, or unlimited, or \"max\" for as far as "
                + "the kernel goes"
        ),
        ("limits.nofile = -1", "4:17: no limit is below zero; write \"unlimited\" for no limit"),
        ("limits.nice = -10", "4:15: a nice level is a string: nice = \"-10\""),
        (
            "limits.nofile = 1.5",
            "4:17: nofile is a number with a fraction, and should be a count as 1024, 64K, 1M, or unlimited"
        ),
        ("limits = {}", "4:10: limits is empty, and should be a table: limits.nofile = \"64K\""),
        ("limits = { nofile = 1, ofile = 2 }", "4:24: nofile is given twice"),
        ("limits = 5", "4:10: limits is a whole number, and should be a table: limits.nofile = \"64K\""),
        (
            "limits.nofile = 5\ntarget = \"same_user\"",
            "5:10: unknown relation \"same_user\"; did you mean \"same-user\"?"
        ),
        (
            "limits.nofile = 5\ntarget.users = [0]",
            "5:1: say how the target stands to the caller too: relation = \"any\" reaches all processes of these users, "
                + "\"same-user\" those that are the caller's own"
        ),
        ("limits.nofile = 5\nlower = \"yes\"", "5:9: lower is a string, and should be true or false"),
        (
            "limits.nofile = 5\nlease.max = 60",
            "5:13: max is a whole number, and should be a time as \"30s\", \"10m\", \"1h\" or \"7d\""
        ),
        (
            "limits.nofile = 5\nlease.max = \"long\"",
            "5:13: \"long\" is no length of a lease; write a time as \"30s\", \"10m\", \"1h\" or \"7d\""
        ),
        ("limits.nofile = 5\nlease.required = 1", "5:18: required is a whole number, and should be true or false"),
        ("limits.nofile = 5\noperations = [\"sett\"]", "5:15: unknown operation \"sett\"; did you mean \"set\"?"),
        ("limits.nofile = 5\noperations = []", "5:14: operations is empty: write what it lists, or leave it out"),
        (
            "limits.nofile = 5\noperations = [\"get\"]",
            "4:1: limits are for changes, and \"set\" is not among the operations"
        ),
        (
            "operations = [\"get\", \"set\"]",
            "4:14: this grants no change: add limits, or operations = [\"get\", \"usage\"] for a rule that only lets read"
        ),
        ("operations = [\"get\"]\nlower = true", "5:1: lower without limits: say of which"),
        (
            "limits.nofile = 5\nabove.nofile = 5",
            "5:1: unknown key \"above\" in an allow rule; there are \"name\", \"caller\", \"target\", "
                + "\"operations\", \"limits\", \"lower\", \"lease\""
        ),
    ]

    @Test("in an allow rule", arguments: inAllow)
    func inAllowRule(lines: String, complaint: String) {
        let text = "[[allow]]\nname = \"a\"\ncaller.users = [1]\n" + lines
        #expect(complaints(text).first == "p:" + complaint)
    }

    static let callers: [(String, String)] = [
        ("caller = \"alice\"", "4:10: caller is \"everyone\" or a table: caller.users = [\"alice\"]"),
        (
            "caller = {}",
            "4:10: caller is empty, and should be \"everyone\" or a table of users, groups, cgroups, units, labels and except"
        ),
        ("caller.user = [1]", "4:8: unknown key \"user\" in caller; did you mean \"users\"?"),
        ("caller.users = []", "4:16: users is empty: write what it lists, or leave it out"),
        (
            "caller.users = \"alice\"",
            "4:16: users is a string, and should be a list: users = [\"name\", 1000, \"1000-59999\"]"
        ),
        ("caller.users = [\"59999-1000\"]", "4:17: the range \"59999-1000\" is upside down; write \"1000-59999\""),
        ("caller.users = [-1]", "4:17: ids go from 0 to 4294967294"),
        ("caller.users = [4294967295]", "4:17: ids go from 0 to 4294967294"),
        ("caller.users = [\"99999999999999999999\"]", "4:17: ids go from 0 to 4294967294"),
        (
            "caller.groups = [true]",
            "4:18: a group is a name, a number or a range \"1000-59999\", and this is true or false"
        ),
        (
            "caller.cgroups = [\"kubepods\"]",
            "4:19: \"kubepods\" is no cgroup: a path begins with / at the root of the hierarchy"
        ),
        (
            "caller.cgroups = [\"/a/**/b\"]",
            "4:19: \"/a/**/b\" is no cgroup: ** stands alone and last, for everything below; * is any part of one name"
        ),
        ("caller.cgroups = [\"/a/../b\"]", "4:19: \"/a/../b\" is no cgroup: a path has no . or .. in it"),
        (
            "caller.cgroups = [\"/a/\"]",
            "4:19: \"/a/\" is no cgroup: it has an empty part; write it without // and without a last /"
        ),
        (
            "caller.cgroups = [\"/\"]",
            "4:19: \"/\" is no cgroup: the root says nothing of who is in it; \"/**\" is everything below"
        ),
        ("caller.cgroups = [7]", "4:19: cgroups lists strings, and this is a whole number: [\"/kubepods.slice/**\"]"),
        ("caller.units = [\"nginx\"]", "4:17: \"nginx\" is no unit: write it whole, as \"nginx.service\""),
        ("caller.units = [\"web.slice\"]", "4:17: a slice is a cgroup: use cgroups = [\"/web.slice/**\"]"),
        (
            "caller.units = [\"/system.slice/a.service\"]",
            "4:17: a unit has no / in it: write \"nginx.service\", or use cgroups"
        ),
        (
            "caller = { users = [1], except = { uid = [2] } }",
            "4:36: unknown key \"uid\" in caller.except; there are \"users\", \"groups\", \"cgroups\", \"units\", \"labels\""
        ),
        (
            "caller = { users = [1], except = { users = [\"ghost\"] } }",
            "4:45: no user \"ghost\" on this system, so this would forbid less than it says; write a name that exists, or the number"
        ),
    ]

    @Test("in a caller", arguments: callers)
    func inCaller(lines: String, complaint: String) {
        #expect(complaints("[[allow]]\nname = \"a\"\nlimits.nofile = 5\n" + lines) == ["p:" + complaint])
    }

    static let inDeny: [(String, String)] = [
        (
            "lower = true",
            "4:1: unknown key \"lower\" in a deny rule; there are \"name\", \"caller\", \"target\", \"operations\", \"limits\", \"above\""
        ),
        (
            "limits.core = 5",
            "4:1: a deny lists what is not changed at all, limits = [\"core\"]; with a bound it is above.core = ..."
        ),
        ("limits = [\"cores\"]", "4:11: unknown resource \"cores\"; did you mean \"core\"?"),
        (
            "above.nofile = 5\noperations = [\"get\", \"set\"]",
            "5:14: limits and above are about changes: leave operations out, or say the rest in a rule of its own"
        ),
        (
            "target.users = [\"ghost\"]",
            "4:17: no user \"ghost\" on this system, so this would forbid less than it says; write a name that exists, or the number"
        ),
    ]

    @Test("in a deny rule", arguments: inDeny)
    func inDenyRule(lines: String, complaint: String) {
        #expect(complaints("[[deny]]\nname = \"d\"\ncaller = \"everyone\"\n" + lines) == ["p:" + complaint])
    }

    static let wholes: [(String, [String])] = [
        ("allows = 1", ["1:1: unknown key \"allows\" in a policy; did you mean \"allow\"?"]),
        ("[allow]\nname = \"a\"", ["1:2: rules are a list of tables: write [[allow]], with two brackets"]),
        ("deny = [1]", ["1:9: a rule is a table: [[deny]] on a line of its own, its keys below"]),
        ("[quota]\nconnections = 0", ["2:15: connections is a whole number from 1 to 1000000"]),
        ("[quota]\nconections = 1", ["2:1: unknown key \"conections\" in quota; did you mean \"connections\"?"]),
        ("quota = 1", ["1:9: quota is a whole number, and should be a table: [quota] and its keys below"]),
        ("[protected]\nuser = [1]", ["2:1: unknown key \"user\" in protected; did you mean \"users\"?"]),
        (
            "protected.users = [\"ghost\"]",
            [
                "1:20: no user \"ghost\" on this system, so this would forbid less than it says; write a name that exists, or the number"
            ]
        ),
        (
            "pod_roots = [\"/user.slice/me\"]",
            [
                "1:14: \"/user.slice/me\" is no root of pods: a path as \"/kubepods.slice\", without *, and not in /user.slice, "
                    + "where users make cgroups of their own"
            ]
        ),
        (
            "[[allow]]\nlimits.nofile = 1\ncaller = \"everyone\"",
            ["1:1: a rule has a name, which audit and refusals show: name = \"...\""]
        ),
        (
            "[[allow]]\nname = \"a\"\nlimits.nofile = 1",
            ["1:1: a rule says whom it is about: caller.users = [...], or caller = \"everyone\""]
        ),
        (
            "[[allow]]\nname = \"\"\ncaller = \"everyone\"\nlimits.nofile = 1",
            ["2:8: a name has 1 to 64 characters, and all can be printed"]
        ),
        (
            "[[allow]]\nname = \"a\\nb\"\ncaller = \"everyone\"\nlimits.nofile = 1",
            ["2:8: a name has 1 to 64 characters, and all can be printed"]
        ),
        (
            "[[deny]]\nname = \"x\"\ncaller = \"everyone\"\n[[deny]]\nname = \"x\"\ncaller = \"everyone\"",
            ["5:8: rule \"x\" is there already, in p line 2"]
        ),
        (
            "[[allow]]\nname = \"x\"\ncaller = \"everyone\"\nlimits.nofile = 1\n[[deny]]\nname = \"x\"\ncaller = \"everyone\"",
            ["6:8: rule \"x\" is there already, in p line 2"]
        ),
    ]

    @Test("in the whole", arguments: wholes)
    func inWhole(text: String, expected: [String]) {
        #expect(complaints(text) == expected.map { "p:" + $0 })
    }

    @Test("All errors are told, in the order of their lines")
    func allErrors() {
        let text = """
            [[allow]]
            name = "a"
            caller.user = [1]
            limits.nofil = 5
            target = "others"
            [[deny]]
            name = "b"
            """
        #expect(complaints(text).map { $0.split(separator: " ")[0] } == ["p:3:8:", "p:4:8:", "p:5:10:", "p:6:1:"])
    }

    @Test(
        "What is not TOML is told with its place",
        arguments: ["name = ", "a = 1\na = 2", "[[allow]\n", "x = \"\u{1}\"", "\u{0}"])
    func notTOML(text: String) {
        let complaints = complaints(text)
        #expect(complaints.count == 1)
        #expect(complaints.first?.hasPrefix("p:") == true && complaints.first?.contains(":0:") == false)
    }

    @Test("What makes the parser stumble is told with its place too")
    func stumbling() {
        #expect(complaints("a = 1\n  [[=]]\n") == ["p:2:5: this is not TOML"])
    }

    @Test("Nesting without end is refused and not followed")
    func deepNesting() {
        let dots = Array(repeating: "a", count: 200_000).joined(separator: ".")
        #expect(complaints("\(dots) = 1") == ["p:1:34: a key has too many parts"])
        #expect(complaints("[\(dots)]").count == 1)
        #expect(complaints("x = " + String(repeating: "[", count: 200_000)).count == 1)
        #expect(complaints("x = " + String(repeating: "{a=", count: 200_000)).count == 1)
        let headers = (0..<16).map { "b\($0)" }.joined(separator: ".")
        #expect(complaints("[\(headers)]\n\(headers) = 1").first?.contains("unknown key \"b0\"") == true)
    }
}
