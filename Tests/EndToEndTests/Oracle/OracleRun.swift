/// Compares kernel and agent in many random cases, and simplifies the first case that violates the rule.
struct OracleRun {
    let environment: OracleEnvironment
    var rule = OracleRule()
    /// The number of cases of each kind, which shows that a run without a finding covered enough.
    private(set) var count = 0
    private(set) var allowedByBoth = 0
    private(set) var refusedByBoth = 0
    private(set) var refusedByAgentAlone = 0
    private(set) var mustAgreeAllowed = 0
    private(set) var mustAgreeRefused = 0

    struct Finding {
        let found: OracleCase
        let minimal: OracleCase
        let violation: String
    }

    init(environment: OracleEnvironment, rule: OracleRule = OracleRule()) {
        self.environment = environment
        self.rule = rule
    }

    mutating func run(seed: UInt64, count: Int) throws -> Finding? {
        var cases = OracleCases(seed: seed)
        for _ in 0..<count {
            let testCase = cases.next()
            let outcomes = try environment.outcomes(to: testCase)
            note(testCase, outcomes.kernel, outcomes.agent)
            if rule.violation(of: testCase, kernel: outcomes.kernel, agent: outcomes.agent) != nil {
                return try shrink(testCase)
            }
        }
        return nil
    }

    private func shrink(_ found: OracleCase) throws -> Finding {
        func violation(_ testCase: OracleCase) throws -> String? {
            let outcomes = try environment.outcomes(to: testCase)
            return rule.violation(of: testCase, kernel: outcomes.kernel, agent: outcomes.agent)
        }
        let minimal = try OracleShrinker.minimal(found) { try violation($0) != nil }
        return Finding(
            found: found, minimal: minimal,
            violation: try violation(minimal) ?? "the violation did not occur a second time")
    }

    private mutating func note(_ testCase: OracleCase, _ kernel: OracleOutcome, _ agent: OracleOutcome) {
        count += 1
        switch (kernel.isAllowed, agent.isAllowed) {
        case (true, true): allowedByBoth += 1
        case (false, false): refusedByBoth += 1
        case (true, false): refusedByAgentAlone += 1
        case (false, true): break
        }
        guard testCase.mustAgree else { return }
        if kernel.isAllowed { mustAgreeAllowed += 1 } else { mustAgreeRefused += 1 }
    }

    var summary: String {
        "\(count) cases: \(allowedByBoth) allowed and \(refusedByBoth) refused by both, \(refusedByAgentAlone) by the agent "
            + "alone; of those that must agree \(mustAgreeAllowed) allowed, \(mustAgreeRefused) refused"
    }
}
