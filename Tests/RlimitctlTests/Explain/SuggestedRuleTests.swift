import RlimitModel
import Testing

@testable import rlimitctl

@Suite("Suggested rules")
struct SuggestedRuleTests {
    @Test("A rule for the caller's own processes")
    func simple() {
        let rule = SuggestedRule(
            user: .name("alice"), ceilings: [(.openFiles, 900_000), (.lockedMemory, .gibibytes(64))])
        #expect(
            rule.text == """
                [[allow]]
                name = "alice: nofile 900000, memlock 64 GiB"
                caller.users = ["alice"]
                limits = { nofile = 900000, memlock = "64G" }

                """)
    }

    @Test("A rule for a caller in a container that lowers limits of another user's process")
    func everything() {
        let rule = SuggestedRule(
            user: .number(999), cgroup: "/kubepods.slice/pod\"1", target: .init(relation: "any", user: .name("db")),
            ceilings: [(.cpuTime, 30)], lowers: true)
        #expect(
            rule.text == #"""
                [[allow]]
                name = "999 of db: cpu 30 s"
                caller.users = [999]
                caller.cgroups = ["/kubepods.slice/pod\"1"]
                target = { relation = "any", users = ["db"] }
                limits = { cpu = "30s" }
                lower = true

                """#)
    }

    @Test("A rule for reading usage")
    func reading() {
        let rule = SuggestedRule(
            user: .name("alice"), target: .init(relation: "any", user: .name("bob")), operation: "usage")
        #expect(rule.text.contains("operations = [\"usage\"]\n"))
        #expect(!rule.text.contains("limits"))
    }

    @Test(
        "A ceiling has the unit that the policy language requires",
        arguments: [
            (Resource.openFiles, 65_536, "65536"), (.openFiles, .infinity, "\"unlimited\""),
            (.processes, Limit.Bound(rawValue: .max - 1), "\"18446744073709551614\""),
            (.lockedMemory, 0, "\"0B\""), (.lockedMemory, 65_537, "\"65537B\""),
            (.lockedMemory, .kibibytes(64), "\"64K\""),
            (.stackSize, .mebibytes(8), "\"8M\""), (.addressSpace, .gibibytes(1024), "\"1T\""),
            (.cpuTime, 90, "\"90s\""), (.realtimeTimeout, 1, "\"1us\""), (.realtimeTimeout, 1500, "\"1500us\""),
            (.realtimeTimeout, 2000, "\"2ms\""), (.realtimeTimeout, 3_000_000, "\"3s\""),
            (.nice, 30, "\"-10\""), (.nice, 40, "\"-20\""), (.nice, 20, "\"+0\""), (.nice, 1, "\"+19\""),
            (.nice, 0, "0"), (.realtimePriority, 95, "95"),
        ] as [(Resource, Limit.Bound, String)])
    func ceilings(resource: Resource, bound: Limit.Bound, text: String) {
        #expect(TOMLText.ceiling(bound, of: resource) == text)
    }

    @Test("A ceiling parses to the same value", arguments: Resource.allCases)
    func roundTrip(resource: Resource) throws {
        for value in [0, 1, 20, 40, 99, 1000, 1024, 65_537, 1 << 30, 3_000_000, 1 << 45, UInt64.max] {
            let bound = Limit.Bound(rawValue: value)
            let text = TOMLText.ceiling(bound, of: resource).filter { $0 != "\"" }
            #expect(try resource.bound(parsing: text, requiringUnit: true) == bound, "\(text)")
        }
    }

    @Test(
        "A string is quoted for TOML",
        arguments: [
            ("plain", "\"plain\""), ("a\"b\\c", #""a\"b\\c""#), ("a\nb\u{1b}", #""a\u000ab\u001b""#),
            ("für", "\"für\""),
        ])
    func strings(text: String, quoted: String) {
        #expect(TOMLText.string(text) == quoted)
    }
}
