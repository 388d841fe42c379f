import Foundation
import RlimitModel
import Testing

/// The kernel is asked the same, by prlimit(2) from a process with the caller's ids and no capability: without a rule the
/// agent gives nobody more than that.
@Suite(
    "The kernel as oracle", .serialized, .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct KernelOracleNeedsCapability {
    private static let fixedSeed: UInt64 = 2026

    /// RLIMITD_ORACLE_SEED, or one that never was before.
    private static let freshSeed: UInt64 =
        ProcessInfo.processInfo.environment["RLIMITD_ORACLE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...999_999)

    @Test(arguments: [fixedSeed, freshSeed])
    func `The agent allows nothing that the kernel refuses and agrees on reads and soft raises`(seed: UInt64) throws {
        try #require(try ProcessFiles(pid: 2).name == "kthreadd", "process 2 is the kernel's own")
        var run = OracleRun(environment: try OracleEnvironment())
        let start = ContinuousClock.now
        let finding = try run.run(seed: seed, count: 3000)
        print("RLIMITD_ORACLE_SEED=\(seed): \(run.summary); \(ContinuousClock.now - start)")
        if let finding {
            Issue.record(
                """
                RLIMITD_ORACLE_SEED=\(seed) after \(run.count) cases: \(finding.violation)
                smallest: \(finding.minimal)
                found: \(finding.found)
                """)
            return
        }
        #expect(run.count == 3000)
        #expect(run.mustAgreeAllowed > 300 && run.mustAgreeRefused > 100, "\(run.summary)")
        #expect(run.allowedByBoth > 300 && run.refusedByAgentAlone > 100, "\(run.summary)")
    }

    @Test func `An agent that grants what the kernel refuses is found with a case of one edit`() throws {
        // Stands for an agent with a hole: alice may raise anybody's open files.
        let excessiveRule = """
            [[allow]]
            name = "a hole"
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
        #expect(finding.minimal.simpler.count <= finding.found.simpler.count)
    }
}
