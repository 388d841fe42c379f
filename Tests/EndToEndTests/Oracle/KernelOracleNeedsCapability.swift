import Foundation
import RlimitModel
import Testing

/// Comparison of the agent with the kernel: a process with the caller's ids and no capability calls prlimit(2). Without
/// a rule the agent must not allow more than the kernel.
@Suite(
    "The kernel as oracle", .serialized, .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct KernelOracleNeedsCapability {
    private static let fixedSeed: UInt64 = 2026

    /// RLIMITD_ORACLE_SEED, or a random seed.
    private static let freshSeed: UInt64 =
        ProcessInfo.processInfo.environment["RLIMITD_ORACLE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...999_999)

    @Test(arguments: [fixedSeed, freshSeed])
    func `The agent allows nothing that the kernel refuses and agrees on reads and soft raises`(seed: UInt64) throws {
        try #require(try ProcessFiles(pid: 2).name == "kthreadd", "process 2 is not a kernel thread")
        var run = OracleRun(environment: try OracleEnvironment())
        let start = ContinuousClock.now
        let finding = try run.run(seed: seed, count: 3000)
        print("RLIMITD_ORACLE_SEED=\(seed): \(run.summary); \(ContinuousClock.now - start)")
        if let finding {
            Issue.record(
                """
                RLIMITD_ORACLE_SEED=\(seed) after \(run.count) cases: \(finding.violation)
                minimal: \(finding.minimal)
                found: \(finding.found)
                """)
            return
        }
        #expect(run.count == 3000)
        #expect(run.mustAgreeAllowed > 300 && run.mustAgreeRefused > 100, "\(run.summary)")
        #expect(run.allowedByBoth > 300 && run.refusedByAgentAlone > 100, "\(run.summary)")
    }

    @Test func `An agent that grants what the kernel refuses is found with a case of one edit`() throws {
        // The rule stands for a faulty agent: alice may raise the open files of any process.
        let excessiveRule = """
            [[allow]]
            name = "too much"
            caller.users = [\(Account.alice.uid)]
            target = { relation = "any", users = ["0-4294967294"] }
            limits.nofile = "max"
            """
        var run = OracleRun(environment: try OracleEnvironment(rules: excessiveRule))
        let finding = try #require(try run.run(seed: Self.fixedSeed, count: 3000))
        #expect(finding.violation.contains("the agent allows it"))
        let minimal = finding.minimal
        #expect(minimal.caller == Credentials(uid: Account.alice.uid, gid: Account.alice.gid), "\(minimal)")
        #expect(minimal.target == .process && minimal.naming == .number && minimal.groupCount == 0, "\(minimal)")
        #expect(minimal.resources == [.openFiles] && minimal.edits.count <= 1, "\(minimal)")
    }

    @Test func `A strict rule shrinks to a case with one lowered limit`() throws {
        var run = OracleRun(environment: try OracleEnvironment(), rule: OracleRule(isStrict: true))
        let finding = try #require(try run.run(seed: Self.fixedSeed, count: 3000))
        #expect(finding.violation.contains("the agent refuses it"))
        #expect(finding.minimal.description.count < 160, "\(finding.minimal)")
        #expect(finding.minimal.simplifications.count <= finding.found.simplifications.count)
    }
}
