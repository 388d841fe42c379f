import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Deny rules")
struct DenyTests {
    let all = allow(target: TargetPattern(.any))

    @Test("`above` refuses only raises of hard above the bound")
    func above() {
        let deny = DenyRule(name: "64k", caller: .everyone, above: Ceilings([.openFiles: 10_000]))
        let policy = Policy(allows: [allow(lower: true)], denies: [deny])
        #expect(policy.grants(set(files(10_000))))
        #expect(policy.refused(set(files(10_001)))?.rule == "64k")
        #expect(policy.grants(set(NumericEdit(.openFiles, soft: 5))))
        let high = itself(now: Limit(soft: 5, hard: 50_000))
        #expect(policy.grants(set(NumericEdit(.openFiles, soft: 50_000)), on: high))
        #expect(!policy.grants(set(files(50_001)), on: high))
    }

    @Test("Of several bounds, the lowest counts, then the first by name")
    func lowestBound() {
        let denies = [("b", 9000), ("a", 9000), ("c", 10_000)].map { name, bound in
            DenyRule(name: name, caller: .everyone, above: Ceilings([.openFiles: bound]))
        }
        let error = Policy(allows: [allow()], denies: denies).refused(set(files(20_000)))
        #expect(error?.rule == "a" && error?.allowed == Limit(9000))
    }

    @Test("`limits` refuses any change of those resources and of no others")
    func resources() {
        let deny = DenyRule(name: "no files", caller: .everyone, resources: ResourceSet([.openFiles]))
        var rule = allow()
        rule.ceilings[.processes] = 9000
        let policy = Policy(allows: [rule], denies: [deny])
        #expect(policy.refused(set(files(5000)))?.rule == "no files")
        #expect(policy.grants(set(NumericEdit(.processes, hard: 9000))))
        #expect(policy.grants(get, on: process()))
    }

    @Test("A deny rule without resources refuses changes and reads")
    func whole() {
        let policy = Policy(
            allows: [all], denies: [DenyRule(name: "no", caller: .everyone, target: TargetPattern(.otherUser))])
        for request in [get, usage, set(files(5000))] {
            #expect(policy.refused(request, on: process(uid: 1001))?.rule == "no")
        }
        #expect(policy.grants(set(files(5000))))
        #expect(policy.refused(set(files(5000)), on: process(uid: 1001))?.allowed == nil)
    }

    @Test("A deny rule refuses only the operations that it names")
    func operations() {
        let reading = Policy(allows: [all], denies: [DenyRule(name: "no", caller: .everyone, operations: .usage)])
        let other = process(uid: 1001)
        #expect(
            !reading.grants(usage, on: other) && reading.grants(get, on: other)
                && reading.grants(set(files(5000)), on: other))
        let changing = Policy(allows: [all], denies: [DenyRule(name: "no", caller: .everyone, operations: .set)])
        #expect(
            changing.grants(usage, on: other) && changing.grants(get, on: other)
                && !changing.grants(set(files(5000)), on: other))
    }

    @Test("A deny rule does not apply to its exception")
    func exception() {
        let deny = DenyRule(name: "no", caller: CallerPattern(CallerKeys(), except: CallerKeys(groups: IDSet(10))))
        let policy = Policy(allows: [allow()], denies: [deny])
        #expect(!policy.grants(set(files(5000))))
        #expect(policy.grants(set(files(5000)), by: caller(groups: [10])))
    }
}
