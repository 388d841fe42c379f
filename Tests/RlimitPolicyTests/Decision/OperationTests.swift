import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Reads of other processes, and operations for administrators")
struct OperationTests {
    let other = process(uid: 1001)

    @Test("An allow rule grants the operations that it lists")
    func operations() {
        for operation in [.get, .usage, .set] as [Operations] {
            var rule = allow(target: TargetPattern(.any))
            rule.operations = operation
            let policy = Policy(allows: [rule])
            #expect(policy.grants(get, on: other) == (operation == .get))
            #expect(policy.grants(Request(id: 1, .prlimit(.caller, .nice, nil)), on: other) == (operation == .get))
            #expect(policy.grants(usage, on: other) == (operation == .usage))
            #expect(policy.grants(Request(id: 1, .threadUsage(.caller, thread: 8)), on: other) == (operation == .usage))
            #expect(policy.grants(set(files(5000)), on: other) == (operation == .set))
        }
    }

    @Test("Reading a process with more privilege requires a rule that names its user")
    func privilegedReads() {
        let root = process(uid: 0, gid: 0)
        #expect(!Policy(allows: [allow(target: TargetPattern(.any))]).grants(get, on: root))
        #expect(Policy(allows: [allow(target: TargetPattern(.any, users: IDSet(0)))]).grants(get, on: root))
    }

    @Test("`stats` and the leases of others require a rule that names them and a caller in the agent's namespace")
    func administrators() throws {
        var rule = allow()
        let stats = Request(id: 1, .stats), leases = Request(id: 1, .leaseList)
        func allLeases(_ policy: Policy, _ peer: Peer) throws -> Bool {
            guard case .leaseList(let all) = try policy.authorize(leases, from: peer).get().operation else {
                return false
            }
            return all
        }
        #expect((try? Policy(allows: [rule]).authorize(stats, from: caller()).get()) == nil)
        #expect(try !allLeases(Policy(allows: [rule]), caller()))
        rule.operations = [.stats, .leaseList]
        rule.caller = CallerPattern(CallerKeys(cgroups: [try CgroupPattern("/**")]))
        let policy = Policy(allows: [rule])
        #expect((try? policy.authorize(stats, from: caller()).get()) != nil)
        #expect(try allLeases(policy, caller()))
        #expect((try? policy.authorize(stats, from: contained()).get()) == nil)
        #expect(try !allLeases(policy, contained()))
        let denied = Policy(allows: [rule], denies: [DenyRule(name: "no", caller: .everyone, operations: .stats)])
        guard case .failure(let error) = denied.authorize(stats, from: caller()) else {
            Issue.record("a deny rule that names stats had no effect")
            return
        }
        #expect(error.rule == "no")
        let general = Policy(allows: [rule], denies: [DenyRule(name: "no", caller: .everyone)])
        #expect((try? general.authorize(stats, from: caller()).get()) != nil)
    }

    @Test("A request about a process is not decided without one")
    func withoutProcess() {
        for request in [get, usage, set(files(1))] {
            guard case .failure(let error) = Policy(allows: [allow()]).authorize(request, from: caller()) else {
                Issue.record("a request about a process was granted without one")
                continue
            }
            #expect(error.code == .internalError)
        }
    }

    @Test("Whether a caller may name other processes at all")
    func othersAtAll() {
        #expect(!Policy.baselineOnly.mayTargetOthers(caller()))
        #expect(Policy(allows: [allow()]).mayTargetOthers(caller()))
        #expect(!Policy(allows: [allow()]).mayTargetOthers(caller(uid: 1001)))
        #expect(!Policy(allows: [allow()]).mayTargetOthers(contained()))
        #expect(!Policy(allows: [allow(target: TargetPattern(.itself))]).mayTargetOthers(caller()))
    }
}
