import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitPolicyFile

@Suite("The policy language")
struct LanguageTests {
    @Test("A complete policy is read into rules, quotas, protection and roots of pods")
    func wholePolicy() throws {
        let policy = try policy(
            """
            version = 1
            pod_roots = ["/kubelet.slice"]
            [quota]
            connections = 8
            requests_per_second = 50
            [audit]
            on_full = "continue"
            [protected]
            users = ["postgres"]
            units = ["dbus.service"]
            cgroups = ["/machine.slice/**"]
            [[allow]]
            name = "audio"
            caller.groups = ["audio"]
            limits = { rtprio = 95, memlock = "unlimited" }
            [[allow]]
            name = "operators"
            caller = { groups = ["wheel", 5], except = { users = ["bob"] } }
            target = { relation = "any", users = ["root", "1000-59999"] }
            operations = ["get", "set", "usage", "stats", "lease_list"]
            limits.nofile = "max"
            limits.RLIMIT_CORE = "64K"
            lower = true
            lease = { max = "1h", required = true }
            [[deny]]
            name = "at most 64k files"
            caller.users = ["1000-59999"]
            above.nofile = "64K"
            [[deny]]
            name = "hands off"
            caller = "everyone"
            target = { relation = "other-user", users = ["0-999"] }
            [[deny]]
            name = "no nice"
            caller.units = ["cron.service"]
            limits = ["nice", "rtprio"]
            """, isMain: true)
        #expect(policy.podRoots == ["/kubelet.slice"])
        #expect(policy.quota == Quota(connections: 8, requestsPerSecond: 50, leases: 32))
        #expect(policy.audit == AuditSettings(onFull: .continue))
        #expect(policy.protection.users == IDSet(999))
        #expect(policy.protection.units == [UnitPattern("dbus.service")])
        #expect(policy.protection.cgroups == [try CgroupPattern("/machine.slice/**")])
        #expect(policy.summary == "5 rules")
        let audio = try #require(policy.allows.first { $0.name == "audio" })
        #expect(
            audio
                == AllowRule(
                    name: "audio", caller: CallerPattern(CallerKeys(groups: IDSet(29))),
                    ceilings: Ceilings([.realtimePriority: 95, .lockedMemory: .infinity])))
        let operators = try #require(policy.allows.first { $0.name == "operators" })
        #expect(
            operators
                == AllowRule(
                    name: "operators",
                    caller: CallerPattern(CallerKeys(groups: IDSet(10, 5)), except: CallerKeys(users: IDSet(1001))),
                    target: TargetPattern(.any, users: IDSet([0...0, 1000...59999])),
                    operations: [.get, .set, .usage, .stats, .leaseList],
                    ceilings: Ceilings([.openFiles: .infinity, .coreFileSize: 65536]), mayLower: true,
                    lease: LeaseTerms(maxDuration: .seconds(3600), isRequired: true)))
        let denies = Dictionary(uniqueKeysWithValues: policy.denies.map { ($0.name, $0) })
        #expect(denies["at most 64k files"]?.above == Ceilings([.openFiles: 65536]))
        #expect(denies["at most 64k files"]?.target == TargetPattern(.any))
        #expect(denies["at most 64k files"]?.operations == .set)
        #expect(denies["hands off"]?.caller == .everyone)
        #expect(denies["hands off"]?.target == TargetPattern(.otherUser, users: IDSet([0...999])))
        #expect(denies["hands off"]?.operations == .onProcesses)
        #expect(denies["no nice"]?.resources == ResourceSet([.nice, .realtimePriority]))
    }

    static let bounds: [(String, Resource, Limit.Bound)] = [
        ("nofile = 65536", .openFiles, 65536), ("nofile = \"64K\"", .openFiles, 65536),
        ("nproc = \"1M\"", .processes, 1_048_576), ("memlock = \"64K\"", .lockedMemory, 65536),
        ("memlock = \"65536B\"", .lockedMemory, 65536), ("as = \"2GiB\"", .addressSpace, .gibibytes(2)),
        ("core = 0", .coreFileSize, 0), ("core = \"0\"", .coreFileSize, 0), ("cpu = \"10m\"", .cpuTime, 600),
        ("rttime = \"20ms\"", .realtimeTimeout, 20000), ("nice = \"-10\"", .nice, 30), ("nice = 30", .nice, 30),
        ("rtprio = 95", .realtimePriority, 95), ("nofile = \"max\"", .openFiles, .infinity),
        ("stack = \"unlimited\"", .stackSize, .infinity), ("Nofile = 5", .openFiles, 5),
        ("vmem = \"1G\"", .addressSpace, .gibibytes(1)),
    ]

    @Test("A bound is written with the unit of its resource", arguments: bounds)
    func boundWithUnit(text: String, resource: Resource, bound: Limit.Bound) throws {
        for key in ["limits = { \(text) }", "limits.\(text)"] {
            let policy = try policy("[[allow]]\nname = \"a\"\ncaller.users = [1]\n\(key)")
            #expect(policy.allows.first?.ceilings == Ceilings([resource: bound]))
        }
    }

    @Test("Every resource can be named")
    func everyResource() throws {
        for resource in Resource.allCases {
            let policy = try policy(
                "[[allow]]\nname = \"a\"\ncaller.users = [1]\nlimits.\(resource.name) = \"unlimited\"")
            #expect(policy.allows.first?.ceilings[resource] == .infinity)
        }
    }

    @Test("A rule that grants only reading, or operations for administrators, needs no limits")
    func readRules() throws {
        let policy = try policy(
            """
            [[allow]]
            name = "readers"
            caller.users = ["alice"]
            target = "any"
            operations = ["get", "usage"]
            [[allow]]
            name = "monitoring"
            caller.users = ["bob"]
            operations = ["stats"]
            """)
        #expect(policy.allows.map(\.operations) == [.stats, [.get, .usage]])
    }

    @Test("A caller can be everyone with exceptions")
    func everyoneBut() throws {
        let policy = try policy("[[deny]]\nname = \"d\"\ncaller.except.groups = [\"wheel\"]")
        #expect(
            policy.denies.first?.caller == CallerPattern(CallerKeys(), except: CallerKeys(groups: IDSet(10))))
    }

    @Test("An unknown name in an allow rule is a warning and matches nothing, and an error if strict")
    func unknownNameInAllow() throws {
        let text = "[[allow]]\nname = \"a\"\ncaller.users = [\"ghost\"]\nlimits.nofile = 5\n"
        let loaded = try loader().load(text: text, named: "p", isMain: false)
        #expect(loaded.policy.allows.first?.caller.keys.users == IDSet())
        #expect(
            loaded.warnings.map(\.description) == [
                "p:3:17: no user \"ghost\" on this system: the name matches nothing, and is looked up again at the next reload"
            ])
        #expect(diagnostics(text, strict: true) == loaded.warnings.map(\.description))
    }

    @Test("The main file requires a version, drop-ins do not")
    func version() throws {
        #expect(
            diagnostics("", isMain: true) == ["p:1:1: a policy file must give the version of its language: version = 1"]
        )
        #expect(diagnostics("", isMain: false) == [])
        #expect(diagnostics("version = 1", isMain: true) == [])
        #expect(
            diagnostics("version = 2") == [
                "p:1:11: unsupported version of the policy language; this agent reads version = 1"
            ])
    }
}
