import Testing

@testable import RlimitPolicyFile

@Suite("Diagnostics of policy files")
struct DiagnosticTests {
    /// Lines after the head of a valid rule, and their diagnostic.
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
            "4:17: \"lots\" is no value for nofile; write a count as 1024, 64K, 1M, or unlimited, or \"max\" for the "
                + "maximum of the kernel"
        ),
        ("limits.nofile = -1", "4:17: a limit must not be negative; write \"unlimited\" for no limit"),
        ("limits.nice = -10", "4:15: a nice level is a string: nice = \"-10\""),
        (
            "limits.nofile = 1.5",
            "4:17: nofile is a number with a fraction, but must be a count as 1024, 64K, 1M, or unlimited"
        ),
        ("limits = {}", "4:10: limits is empty, but must be a table: limits.nofile = \"64K\""),
        ("limits = { nofile = 1, ofile = 2 }", "4:24: nofile is given twice"),
        ("limits = 5", "4:10: limits is a whole number, but must be a table: limits.nofile = \"64K\""),
        (
            "limits.nofile = 5\ntarget = \"same_user\"",
            "5:10: unknown relation \"same_user\"; did you mean \"same-user\"?"
        ),
        (
            "limits.nofile = 5\ntarget.users = [0]",
            "5:1: target.users requires a relation: relation = \"any\" covers all processes of these users, "
                + "\"same-user\" only the caller's own"
        ),
        ("limits.nofile = 5\nlower = \"yes\"", "5:9: lower is a string, but must be true or false"),
        (
            "limits.nofile = 5\nlease.max = 60",
            "5:13: max is a whole number, but must be a time as \"30s\", \"10m\", \"1h\" or \"7d\""
        ),
        (
            "limits.nofile = 5\nlease.max = \"long\"",
            "5:13: \"long\" is not the duration of a lease; write a time as \"30s\", \"10m\", \"1h\" or \"7d\""
        ),
        ("limits.nofile = 5\nlease.required = 1", "5:18: required is a whole number, but must be true or false"),
        ("limits.nofile = 5\noperations = [\"sett\"]", "5:15: unknown operation \"sett\"; did you mean \"set\"?"),
        ("limits.nofile = 5\noperations = []", "5:14: operations is empty: list at least one value, or omit the key"),
        (
            "limits.nofile = 5\noperations = [\"get\"]",
            "4:1: limits apply only to changes, and \"set\" is not among the operations"
        ),
        (
            "operations = [\"get\", \"set\"]",
            "4:14: this rule grants no change: add limits, or operations = [\"get\", \"usage\"] for a rule that grants only reading"
        ),
        ("operations = [\"get\"]\nlower = true", "5:1: lower requires limits: name the resources"),
        (
            "limits.nofile = 5\nabove.nofile = 5",
            "5:1: unknown key \"above\" in an allow rule; use one of \"name\", \"caller\", \"target\", "
                + "\"operations\", \"limits\", \"lower\", \"lease\""
        ),
    ]

    @Test("An error in an allow rule has its location and a correction", arguments: inAllow)
    func inAllowRule(lines: String, diagnostic: String) {
        let text = "[[allow]]\nname = \"a\"\ncaller.users = [1]\n" + lines
        #expect(diagnostics(text).first == "p:" + diagnostic)
    }

    static let callers: [(String, String)] = [
        ("caller = \"alice\"", "4:10: caller must be \"everyone\" or a table: caller.users = [\"alice\"]"),
        (
            "caller = {}",
            "4:10: caller is empty, but must be \"everyone\" or a table of users, groups, cgroups, units, labels and except"
        ),
        ("caller.user = [1]", "4:8: unknown key \"user\" in caller; did you mean \"users\"?"),
        ("caller.users = []", "4:16: users is empty: list at least one value, or omit the key"),
        (
            "caller.users = \"alice\"",
            "4:16: users is a string, but must be a list: users = [\"name\", 1000, \"1000-59999\"]"
        ),
        ("caller.users = [\"59999-1000\"]", "4:17: the range \"59999-1000\" is reversed; write \"1000-59999\""),
        ("caller.users = [-1]", "4:17: an id must be in the range 0 to 4294967294"),
        ("caller.users = [4294967295]", "4:17: an id must be in the range 0 to 4294967294"),
        ("caller.users = [\"99999999999999999999\"]", "4:17: an id must be in the range 0 to 4294967294"),
        (
            "caller.groups = [true]",
            "4:18: a group is a name, a number or a range \"1000-59999\", and this is true or false"
        ),
        (
            "caller.cgroups = [\"kubepods\"]",
            "4:19: \"kubepods\" is not a cgroup path: it must begin with /, the root of the hierarchy"
        ),
        (
            "caller.cgroups = [\"/a/**/b\"]",
            "4:19: \"/a/**/b\" is not a cgroup path: ** must be the whole last component and matches everything below; * matches within one component"
        ),
        (
            "caller.cgroups = [\"/a/../b\"]",
            "4:19: \"/a/../b\" is not a cgroup path: it must not contain the components . and .."
        ),
        (
            "caller.cgroups = [\"/a/\"]",
            "4:19: \"/a/\" is not a cgroup path: it has an empty component; remove // and a / at the end"
        ),
        (
            "caller.cgroups = [\"/\"]",
            "4:19: \"/\" is not a cgroup path: the root does not tell processes apart; write \"/**\" for every cgroup below it"
        ),
        (
            "caller.cgroups = [7]",
            "4:19: cgroups is a list of strings, and this element is a whole number: write [\"/kubepods.slice/**\"]"
        ),
        (
            "caller.units = [\"nginx\"]",
            "4:17: \"nginx\" is not the name of a unit: write it with its suffix, as \"nginx.service\""
        ),
        ("caller.units = [\"web.slice\"]", "4:17: a slice is a cgroup: use cgroups = [\"/web.slice/**\"]"),
        (
            "caller.units = [\"/system.slice/a.service\"]",
            "4:17: the name of a unit has no /: write \"nginx.service\", or use cgroups"
        ),
        (
            "caller = { users = [1], except = { uid = [2] } }",
            "4:36: unknown key \"uid\" in caller.except; use one of \"users\", \"groups\", \"cgroups\", \"units\", \"labels\""
        ),
        (
            "caller = { users = [1], except = { users = [\"ghost\"] } }",
            "4:45: no user \"ghost\" on this system, so this would forbid less than it says; write a name that exists, or the number"
        ),
    ]

    @Test("An error in a caller has its location and a correction", arguments: callers)
    func inCaller(lines: String, diagnostic: String) {
        #expect(diagnostics("[[allow]]\nname = \"a\"\nlimits.nofile = 5\n" + lines) == ["p:" + diagnostic])
    }

    static let inDeny: [(String, String)] = [
        (
            "lower = true",
            "4:1: unknown key \"lower\" in a deny rule; use one of \"name\", \"caller\", \"target\", \"operations\", \"limits\", \"above\""
        ),
        (
            "limits.core = 5",
            "4:1: limits of a deny rule lists resources, limits = [\"core\"]; to refuse only raises above a value, write above.core = ..."
        ),
        ("limits = [\"cores\"]", "4:11: unknown resource \"cores\"; did you mean \"core\"?"),
        (
            "above.nofile = 5\noperations = [\"get\", \"set\"]",
            "5:14: limits and above apply only to changes: omit operations, or write a separate rule for the other operations"
        ),
        (
            "target.users = [\"ghost\"]",
            "4:17: no user \"ghost\" on this system, so this would forbid less than it says; write a name that exists, or the number"
        ),
    ]

    @Test("An error in a deny rule has its location and a correction", arguments: inDeny)
    func inDenyRule(lines: String, diagnostic: String) {
        #expect(diagnostics("[[deny]]\nname = \"d\"\ncaller = \"everyone\"\n" + lines) == ["p:" + diagnostic])
    }

    static let wholes: [(String, [String])] = [
        ("allows = 1", ["1:1: unknown key \"allows\" in a policy; did you mean \"allow\"?"]),
        ("[allow]\nname = \"a\"", ["1:2: rules are a list of tables: write [[allow]], with two brackets"]),
        ("deny = [1]", ["1:9: a rule is a table: [[deny]] on a line of its own, its keys below"]),
        ("[quota]\nconnections = 0", ["2:15: connections must be a whole number from 1 to 1000000"]),
        ("[quota]\nconections = 1", ["2:1: unknown key \"conections\" in quota; did you mean \"connections\"?"]),
        ("quota = 1", ["1:9: quota is a whole number, but must be a table: [quota] and its keys below"]),
        ("[audit]\non_full = \"stop\"", ["2:11: on_full must be \"refuse\" or \"continue\""]),
        ("[audit]\nonfull = \"refuse\"", ["2:1: unknown key \"onfull\" in audit; did you mean \"on_full\"?"]),
        ("audit = 1", ["1:9: audit is a whole number, but must be a table: [audit] and its keys below"]),
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
                "1:14: \"/user.slice/me\" is not a root of pods: write a path as \"/kubepods.slice\", without *, and outside /user.slice, "
                    + "where users create cgroups themselves"
            ]
        ),
        (
            "[[allow]]\nlimits.nofile = 1\ncaller = \"everyone\"",
            ["1:1: a rule must have a name, which audit records and refusals show: name = \"...\""]
        ),
        (
            "[[allow]]\nname = \"a\"\nlimits.nofile = 1",
            ["1:1: a rule must name its callers: caller.users = [...], or caller = \"everyone\""]
        ),
        (
            "[[allow]]\nname = \"\"\ncaller = \"everyone\"\nlimits.nofile = 1",
            ["2:8: a name must have 1 to 64 characters, all of them printable"]
        ),
        (
            "[[allow]]\nname = \"a\\nb\"\ncaller = \"everyone\"\nlimits.nofile = 1",
            ["2:8: a name must have 1 to 64 characters, all of them printable"]
        ),
        (
            "[[deny]]\nname = \"x\"\ncaller = \"everyone\"\n[[deny]]\nname = \"x\"\ncaller = \"everyone\"",
            ["5:8: rule \"x\" is already defined in p line 2"]
        ),
        (
            "[[allow]]\nname = \"x\"\ncaller = \"everyone\"\nlimits.nofile = 1\n[[deny]]\nname = \"x\"\ncaller = \"everyone\"",
            ["6:8: rule \"x\" is already defined in p line 2"]
        ),
    ]

    @Test("An error outside of rules has its location and a correction", arguments: wholes)
    func inWhole(text: String, expected: [String]) {
        #expect(diagnostics(text) == expected.map { "p:" + $0 })
    }

    @Test("All errors are reported, in the order of their lines")
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
        #expect(diagnostics(text).map { $0.split(separator: " ")[0] } == ["p:3:8:", "p:4:8:", "p:5:10:", "p:6:1:"])
    }

    @Test(
        "A TOML syntax error is reported with its location",
        arguments: ["name = ", "a = 1\na = 2", "[[allow]\n", "x = \"\u{1}\"", "\u{0}"])
    func notTOML(text: String) {
        let diagnostics = diagnostics(text)
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.hasPrefix("p:") == true && diagnostics.first?.contains(":0:") == false)
    }

    @Test("A text that fails inside the parser is reported with its location")
    func stumbling() {
        #expect(diagnostics("a = 1\n  [[=]]\n") == ["p:2:5: this is not TOML"])
    }

    @Test("Excessive nesting is refused")
    func deepNesting() {
        let dots = Array(repeating: "a", count: 200_000).joined(separator: ".")
        #expect(diagnostics("\(dots) = 1") == ["p:1:34: a key has too many parts"])
        #expect(diagnostics("[\(dots)]").count == 1)
        #expect(diagnostics("x = " + String(repeating: "[", count: 200_000)).count == 1)
        #expect(diagnostics("x = " + String(repeating: "{a=", count: 200_000)).count == 1)
        let headers = (0..<16).map { "b\($0)" }.joined(separator: ".")
        #expect(diagnostics("[\(headers)]\n\(headers) = 1").first?.contains("unknown key \"b0\"") == true)
    }
}
