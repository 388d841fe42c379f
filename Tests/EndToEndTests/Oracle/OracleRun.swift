/// Puts many cases to the kernel and to an agent, and makes the first that breaks the rule as small as it gets.
struct OracleRun {
    let world: OracleWorld
    var rule = OracleRule()
    /// How many there were of each kind, so that a run that saw nothing is told from a good one.
    private(set) var count = 0
    private(set) var allowedByBoth = 0
    private(set) var refusedByBoth = 0
    private(set) var refusedByAgentAlone = 0
    private(set) var mustAgreeAllowed = 0
    private(set) var mustAgreeRefused = 0

    struct Finding {
        let found: OracleCase
        let smallest: OracleCase
        let violation: String
    }

    init(world: OracleWorld, rule: OracleRule = OracleRule()) {
        self.world = world
        self.rule = rule
    }

    mutating func run(seed: UInt64, count: Int) throws -> Finding? {
        var cases = OracleCases(seed: seed)
        for _ in 0..<count {
            let question = cases.next()
            let answers = try world.answers(to: question)
            note(question, answers.kernel, answers.agent)
            if rule.violation(of: question, kernel: answers.kernel, agent: answers.agent) != nil {
                return try shrink(question)
            }
        }
        return nil
    }

    private func shrink(_ found: OracleCase) throws -> Finding {
        func violation(_ question: OracleCase) throws -> String? {
            let answers = try world.answers(to: question)
            return rule.violation(of: question, kernel: answers.kernel, agent: answers.agent)
        }
        let smallest = try found.shrunk { try violation($0) != nil }
        return Finding(
            found: found, smallest: smallest, violation: try violation(smallest) ?? "it did not happen a second time")
    }

    private mutating func note(_ question: OracleCase, _ kernel: OracleAnswer, _ agent: OracleAnswer) {
        count += 1
        switch (kernel.isAllowed, agent.isAllowed) {
        case (true, true): allowedByBoth += 1
        case (false, false): refusedByBoth += 1
        case (true, false): refusedByAgentAlone += 1
        case (false, true): break
        }
        guard question.mustAgree else { return }
        if kernel.isAllowed { mustAgreeAllowed += 1 } else { mustAgreeRefused += 1 }
    }

    var summary: String {
        "\(count) cases: \(allowedByBoth) allowed and \(refusedByBoth) refused by both, \(refusedByAgentAlone) by the agent "
            + "alone; of those that must agree \(mustAgreeAllowed) allowed, \(mustAgreeRefused) refused"
    }
}
