import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("What no rule can open")
struct NeverChangedTests {
    /// A rule that opens all there is.
    static let everything = AllowRule(
        name: "everything", caller: .everyone, target: TargetPattern(.any, users: IDSet([0...4_294_967_294])),
        ceilings: Ceilings(Dictionary(uniqueKeysWithValues: Resource.allCases.map { ($0, .infinity) })), mayLower: true)

    @Test("The rule of these tests does open what is not protected")
    func control() {
        #expect(Policy(allows: [Self.everything]).grants(set(files(9000)), on: process(uid: 0, gid: 0)))
    }

    @Test("The agent, process 1, numbers below, and threads of the kernel")
    func hardCoded() {
        let policy = Policy(allows: [Self.everything])
        var agent = process(uid: 990)
        agent.isAgent = true
        let thread = ProcessDetail(isKernelThread: true, capabilities: .max, cgroup: "/", ancestors: [2])
        let cases: [(TargetSnapshot, ProcessDetail, String)] = [
            (agent, plain, "no rule lets anyone change the limits of the agent itself"),
            (
                process(uid: 0, gid: 0, pid: 1), plain,
                "no rule reaches process 1: the agent neither changes its limits nor reads them"
            ),
            (process(pid: 0), plain, "no rule reaches process 1: the agent neither changes its limits nor reads them"),
            (
                process(uid: 0, gid: 0, pid: 2), thread,
                "pid 2 is a thread of the kernel, which no rule lets anyone change"
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

    @Test("Even the baseline, and even for root")
    func baseline() {
        let root = caller(uid: 0, gid: 0)
        let policy = Policy.baselineOnly
        #expect(!policy.grants(set(NumericEdit(.cpuTime, soft: 4096)), by: root, on: process(uid: 0, gid: 0, pid: 1)))
        var agent = process()
        agent.isAgent = true
        #expect(!policy.grants(set(NumericEdit(.cpuTime, soft: 4096)), on: agent))
    }

    @Test("Users on the list, if any of the three ids is theirs")
    func protectedUsers() {
        let policy = Policy(allows: [Self.everything], protection: Protection(users: IDSet(999)))
        var snapshot = process(uid: 1001)
        #expect(policy.grants(set(files(9000)), on: snapshot))
        snapshot.identity.credentials.savedUID = 999
        #expect(policy.refused(set(files(9000)), on: snapshot)?.message.contains("policy protects") == true)
        #expect(policy.grants(get, on: snapshot))
    }

    @Test("Units and cgroups on the list; a process whose cgroup cannot be read may be one of them")
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
