import RlimitKernel
import RlimitPolicy
import RlimitPolicyFile

/// The number and a summary of the policy in force, with the error of the last reload if it failed.
struct PolicyStatus {
    /// 1 for the first policy, and one more for each that replaces it. A failed reload does not change it.
    private(set) var generation: UInt64 = 1
    private var summary: String
    private var failure: String?

    /// Keeps the text on one line of a status display.
    static let maxFailureLength = 300

    init(_ policy: Policy) { summary = policy.summary }

    /// "3 rules", "3 rules; the reload at 2026-11-23T22:05:31.042Z failed: /etc/rlimitd/policy.toml:4:18: ...".
    var text: String { failure.map { "\(summary); \($0)" } ?? summary }

    mutating func adopted(_ policy: Policy) {
        summary = policy.summary
        failure = nil
        generation += 1
    }

    mutating func failed(_ error: PolicyFileError, at time: Timestamp = .now()) {
        let first = DisplayText.escaped(error.diagnostics.first?.description ?? "the policy cannot be read")
        let cut = first.count > Self.maxFailureLength ? first.prefix(Self.maxFailureLength - 3) + "..." : first
        let others = error.diagnostics.count - 1
        let more = others > 0 ? " (and \(others) more)" : ""
        failure = "the reload at \(time) failed: \(cut)\(more)"
    }
}
