import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Processes that no rule can change")
struct NeverChangedTests {
    /// A rule that grants everything.
    static let everything = AllowRule(
        name: "everything", caller: .everyone, target: TargetPattern(.any, users: IDSet([0...4_294_967_294])),
        ceilings: Ceilings(Dictionary(uniqueKeysWithValues: Resource.allCases.map { ($0, .infinity) })), mayLower: true)

    @Test("The rule of these tests grants changes of unprotected processes")
    func control() {
        #expect(Policy(allows: [Self.everything]).grants(set(files(9000)), on: process(uid: 0, gid: 0)))
    }

    @Test("The agent, process 1, lower process ids, and kernel threads are never changed")
    func hardCoded() {
        let policy = Policy(allows: [Self.everything])
        var agent = process(uid: 990)
        agent.isAgent = true
        let thread = ProcessDetail(isKernelThread: true, capabilities: .max, cgroup: "/", ancestors: [2])
        let cases: [(TargetSnapshot, ProcessDetail, String)] = [
            (agent, plain, "no rule can change the limits of the agent itself"),
            (
                process(uid: 0, gid: 0, pid: 1), plain,
                "no rule applies to process 1: the agent neither reads nor changes its limits"
            ),
            (process(pid: 0), plain, "no rule applies to process 1: the agent neither reads nor changes its limits"),
            (
                process(uid: 0, gid: 0, pid: 2), thread,
                "pid 2 is a kernel thread, and no rule can change its limits"
            ),
        ]
        for (snapshot, detail, message) in cases {
            for peer in [caller(), caller(uid: 0, gid: 0)] {
                for request in [set(files(9000)), set(NumericEdit(.openFiles)), set(files(9000, .clamp))] {
                    let refusal = policy.refused(request, by: peer, on: snapshot, detail)
                    #expect(refusal?.message == message)
                }
                #expect(policy.grants(get, by: peer, on: snapshot, detail))
            }
        }
    }

    @Test("The baseline and root are refused too")
    func baseline() {
        let root = caller(uid: 0, gid: 0)
        let policy = Policy.baselineOnly
        #expect(!policy.grants(set(NumericEdit(.cpuTime, soft: 4096)), by: root, on: process(uid: 0, gid: 0, pid: 1)))
        var agent = process()
        agent.isAgent = true
        #expect(!policy.grants(set(NumericEdit(.cpuTime, soft: 4096)), on: agent))
    }

    @Test("Protected users are refused if any of the three user ids is theirs")
    func protectedUsers() {
        let policy = Policy(allows: [Self.everything], protection: Protection(users: IDSet(999)))
        var snapshot = process(uid: 1001)
        #expect(policy.grants(set(files(9000)), on: snapshot))
        snapshot.identity.credentials.savedUID = 999
        #expect(policy.refused(set(files(9000)), on: snapshot)?.message.contains("policy protects") == true)
        #expect(policy.grants(get, on: snapshot))
    }

    @Test("Protected units and cgroups are refused, and so is a process with an unreadable cgroup")
    func protectedCgroups() throws {
        let policy = Policy(
            allows: [Self.everything],
            protection: Protection(
                cgroups: [try CgroupPattern("/machine.slice/**")], units: [UnitPattern("dbus.service")]))
        let edit = set(files(9000))
        #expect(policy.grants(edit, on: process(uid: 1001), detail(cgroup: "/system.slice/x.service")))
        for cgroup in ["/system.slice/dbus.service", "/machine.slice/m/x", nil] {
            #expect(!policy.grants(edit, on: process(uid: 1001), detail(cgroup: cgroup)))
            #expect(!policy.grants(edit, by: caller(cgroup: cgroup), on: nil, detail(cgroup: cgroup)))
            #expect(policy.grants(get, on: process(uid: 1001), detail(cgroup: cgroup)))
        }
    }
}
