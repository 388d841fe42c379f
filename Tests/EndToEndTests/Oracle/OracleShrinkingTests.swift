import RlimitModel
import Testing

/// The random cases of `KernelOracleNeedsCapability` and their simplification.
@Suite("Oracle cases")
struct OracleShrinkingTests {
    private let alice = Credentials(uid: Account.alice.uid, gid: Account.alice.gid)

    private func cases(_ count: Int) -> [OracleCase] {
        var cases = OracleCases(seed: 7)
        return (0..<count).map { _ in cases.next() }
    }

    @Test func `The same seed makes the same cases`() {
        #expect(cases(100) == cases(100))
        var others = OracleCases(seed: 8)
        #expect((0..<100).map { _ in others.next() } != cases(100))
    }

    @Test func `Every kind of target, naming and resource occurs, and many cases must agree`() {
        let cases = cases(3000)
        for target in OracleCase.Target.allCases { #expect(cases.count { $0.target == target } > 30, "\(target)") }
        for naming in OracleCase.Naming.allCases { #expect(cases.count { $0.naming == naming } > 200, "\(naming)") }
        for resource in Resource.allCases { #expect(cases.contains { $0.resources == [resource] }, "\(resource)") }
        #expect(cases.count { $0.mustAgree } > 600)
        #expect(cases.count { !$0.caller.areSimple } > 300)
        #expect(Set(cases.map(\.caller)).count > 100, "callers differ")
    }

    @Test func `A fault of one resource shrinks to one edit of that resource`() throws {
        let broken = { (testCase: OracleCase) in testCase.edits.contains { $0.resource == .nice && $0.hard != nil } }
        for found in cases(3000).filter(broken).prefix(20) {
            let minimal = OracleShrinker.minimal(found, while: broken)
            #expect(broken(minimal))
            #expect(minimal.edits.count == 1, "\(minimal)")
            #expect(minimal.caller == alice && minimal.targetIDs == alice, "\(minimal)")
            #expect(
                minimal.target == .process && minimal.naming == .number && minimal.groupCount == 0, "\(minimal)")
        }
    }

    @Test func `A fault of one id keeps that id and replaces all others by alice's`() {
        let broken = { (testCase: OracleCase) in
            testCase.target == .process && testCase.targetIDs.savedGID == 0 && testCase.caller.realGID != 0
        }
        for found in cases(3000).filter(broken).prefix(20) {
            var ids = alice
            ids.savedGID = 0
            let minimal = OracleShrinker.minimal(found, while: broken)
            #expect(minimal.targetIDs == ids, "\(minimal)")
            #expect(minimal.resources.count == 1, "\(minimal)")
        }
    }
}
