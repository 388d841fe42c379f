import RlimitModel
import Testing

@testable import RlimitPolicy

@Suite("Rules with leases")
struct LeaseTests {
    let policy = Policy(allows: [allow(lease: LeaseTerms(maxDuration: .seconds(3600), isRequired: true))])

    @Test("A rule that requires a lease grants nothing without one, and the refusal says so")
    func required() throws {
        let error = policy.refused(set(files(8192)))
        #expect(
            error?.message
                == "rule \"web servers\" lets uid 1000 raise nofile to 8192, but only with a lease of at most 3600 s")
        #expect(error?.allowed == Limit(4096))
        let edit = try policy.granted(set(files(8192), lease: .duration(.seconds(3600)))).first
        #expect(edit?.rule == "web servers" && edit?.maxLeaseDuration == .seconds(3600))
        #expect(policy.grants(set(files(8192), lease: .connection)))
        #expect(!policy.grants(set(files(8192), lease: .duration(.seconds(3601)))))
        #expect(policy.refused(set(files(65537)))?.message.contains("lease") == false)
    }

    @Test("The refusal names the requested value, or the ceiling of the rule if that is lower")
    func asked() {
        let policy = Policy(allows: [allow(lease: LeaseTerms(isRequired: true))])
        let near = policy.refused(set(files(5000)))
        #expect(near?.message == "rule \"web servers\" lets uid 1000 raise nofile to 5000, but only with a lease")
        #expect(near?.rule == "web servers" && near?.allowed == Limit(4096))
        let far = policy.refused(set(files(70_000)))
        #expect(
            far?.message == "no rule lets uid 1000 raise nofile to 70000; the most is 4096, the present hard limit")
        let strange = Policy(allows: [
            allow(target: TargetPattern(.any), lease: LeaseTerms(isRequired: true))
        ]).refused(set(files(5000)), on: process(uid: 1001))
        #expect(strange?.message == near?.message && strange?.allowed == nil)
    }

    @Test("A rule that requires no lease grants permanent changes and leases")
    func optional() {
        let policy = Policy(allows: [allow()])
        for lease in [nil, .connection, .duration(.seconds(1_000_000))] as [LeaseTerm?] {
            #expect(policy.grants(set(files(8192), lease: lease)))
        }
    }

    @Test("The baseline grants no lease, because the end of a lease lowers")
    func baseline() {
        let edit = NumericEdit(.openFiles, soft: 4096)
        #expect(Policy.baselineOnly.grants(set(edit)))
        #expect(!Policy.baselineOnly.grants(set(edit, lease: .connection)))
        #expect(Policy(allows: [allow()]).grants(set(edit, lease: .connection)))
    }

    @Test("An explanation reports what a lease would grant above the permanent maximum")
    func explained() throws {
        let question = Request(id: 1, isExplain: true, .get(.caller, ResourceSet([.openFiles])))
        let verdict = try #require(
            policy.explain(question, from: caller(), on: itself(), detail: { plain }).verdicts.first)
        #expect(verdict.most == Limit(4096) && verdict.rule == nil)
        #expect(verdict.error?.message.contains("only with a lease") == true)
    }
}
