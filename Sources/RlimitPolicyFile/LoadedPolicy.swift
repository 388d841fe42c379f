package import RlimitPolicy

/// A policy that was read without an error.
package struct LoadedPolicy: Sendable {
    package var policy: Policy
    /// What is probably not meant, but grants nothing.
    package var warnings: [Diagnostic]
    /// The files it was read from, in the order in which they were read; empty where there are none.
    package var files: [String]

    package init(policy: Policy, warnings: [Diagnostic] = [], files: [String] = []) {
        self.policy = policy
        self.warnings = warnings
        self.files = files
    }
}
