import Testing

/// The machine of `scripts/with-capability`, where root has the capability that the agent needs.
@Suite("The privilege of the tests", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct PrivilegeOfTestsNeedsCapability {
    @Test func `Root can raise a hard limit`() throws {
        let result = try ChildProcess.run(["prlimit", "--nofile=64:64", "prlimit", "--nofile=128:128", "true"])
        #expect(result.status == 0, "\(result.error)")
    }
}
