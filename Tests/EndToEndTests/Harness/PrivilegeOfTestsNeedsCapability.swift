import Testing

/// Where `scripts/with-capability` brings these tests, root may indeed do what the agent needs.
@Suite("Where the capability is", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct PrivilegeOfTestsNeedsCapability {
    @Test func `root raises a hard limit`() throws {
        let result = try ChildProcess.run(["prlimit", "--nofile=64:64", "prlimit", "--nofile=128:128", "true"])
        #expect(result.status == 0, "\(result.error)")
    }
}
