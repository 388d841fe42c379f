import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Messages of refusals")
struct RefusalTests {
    @Test("A refusal names the caller, the resource, the maximum and its rule")
    func raise() {
        let error = Policy(allows: [allow()]).refused(set(NumericEdit(.cpuTime), files(2_000_000)))
        #expect(error?.code == .deniedByPolicy && error?.errno == 1)
        #expect(error?.resource == .openFiles && error?.editIndex == 1 && error?.rule == nil)
        #expect(error?.allowed == Limit(65536))
        #expect(
            error?.message == "no rule lets uid 1000 raise nofile to 2000000; the most is 65536 (rule \"web servers\")")
        #expect(
            Policy.baselineOnly.refused(set(NumericEdit(.lockedMemory, hard: .gibibytes(8))))?.message
                == "no rule lets uid 1000 raise memlock to 8 GiB; the most is 4 KiB, the present hard limit")
    }

    @Test("A refusal names the deny rule")
    func deny() {
        let deny = DenyRule(name: "at most 8k", caller: .everyone, above: Ceilings([.openFiles: 8192]))
        let error = Policy(allows: [allow()], denies: [deny]).refused(set(files(20_000)))
        #expect(error?.rule == "at most 8k" && error?.allowed == Limit(8192))
        #expect(
            error?.message
                == "rule \"at most 8k\" refuses uid 1000 nofile above 8192, and 20000 was requested; the most is 8192 "
                + "(rule \"web servers\")")
        let all = Policy(allows: [allow()], denies: [DenyRule(name: "no", caller: .everyone)])
        #expect(all.refused(set(files(5000)))?.message == "rule \"no\" refuses uid 1000 any change of nofile of itself")
    }

    @Test("A refusal shows no process ids to a caller in a container")
    func numbers() throws {
        let inside = contained()
        let refusal = try #require(Policy.baselineOnly.refused(set(files(20_000)), by: inside, on: process(uid: 1001)))
        #expect(refusal.message.contains("of that process (uid 1001)"), "\(refusal)")
        #expect(!refusal.message.contains("pid"), "\(refusal)")
        let outside = try #require(Policy.baselineOnly.refused(set(files(20_000)), on: process(uid: 1001)))
        #expect(outside.message.contains("pid \(process().identity.pid) (uid 1001)"), "\(outside)")
    }

    @Test("A refusal to lower points to setrlimit(2)")
    func lower() {
        #expect(
            Policy(allows: [allow()]).refused(set(NumericEdit(.openFiles, soft: 512)))?.message
                == "no rule lets uid 1000 lower the soft limit of nofile from 1024 to 512 through the agent; a process "
                + "can lower its own limits with setrlimit(2)")
    }

    @Test("A refusal reveals no limits of a process that the caller may not see")
    func stranger() {
        let error = Policy(allows: [allow()]).refused(set(files(8192)), on: process(uid: 1001, now: Limit(777)))
        #expect(error?.message == "no rule lets uid 1000 change nofile of pid 700 (uid 1001)")
        #expect(error?.allowed == nil)
        #expect(
            Policy.baselineOnly.refused(get, on: process(uid: 1001))?.message
                == "no rule lets uid 1000 read the limits of pid 700 (uid 1001)")
        #expect(
            Policy.baselineOnly.refused(usage, on: process(uid: 1001))?.message
                == "no rule lets uid 1000 read the usage of pid 700 (uid 1001)")
    }

    @Test("A refusal says that privilege or a container is the reason")
    func hints() {
        let privileged = Policy(allows: [allow(target: TargetPattern(.any))]).refused(
            set(files(8192)), on: process(uid: 0))
        #expect(
            privileged?.message
                == "no rule lets uid 1000 change nofile of pid 700 (uid 0): it has more privilege than the caller, and "
                + "rule \"web servers\" does not name its user in target.users")
        #expect(
            Policy(allows: [allow()]).refused(set(files(8192)), by: contained())?.message.hasSuffix(
                "; callers in a container are matched only by rules that name their cgroup") == true)
    }
}
