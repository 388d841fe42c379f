import RlimitModel

/// An explanation as text.
struct ExplanationText {
    var explanation = Explanation()
    /// The explained process; nil for a hypothetical one.
    var process: ProcessLabel?

    /// A table of all resources: the current limits, the maximum allowed, and the rule that allows it.
    var overview: String {
        var table = TextTable([
            ("RESOURCE", .left), ("NOW", .right), ("MAX-ALLOWED", .right), ("RULE", .left),
        ])
        for verdict in explanation.verdicts {
            let resource = verdict.resource
            table.append([
                resource.name, verdict.now.map(resource.formatted) ?? "-", verdict.most.map(resource.formatted) ?? "-",
                verdict.rule?.forTerminal ?? "-",
            ])
        }
        return table.text + remarks.map { $0.forTerminal + "\n" }.joined()
    }

    // What a lease would add to the table; or the error that all resources share, once.
    private var remarks: [String] {
        let messages = explanation.verdicts.compactMap { $0.error?.message }
        if let first = messages.first, explanation.verdicts.count > 1, messages.count == explanation.verdicts.count,
            messages.allSatisfy({ $0 == first })
        {
            return [first]
        }
        return explanation.verdicts.compactMap { $0.most == nil ? nil : $0.error?.message }
    }

    /// A line for each edit: the decision and the reason.
    var decision: String {
        // A refusal that concerns the process or the caller has no verdicts.
        if explanation.verdicts.isEmpty, let refusal = explanation.refusal {
            let reason = "refused: \(refusal.message.forTerminal)\n"
            return process.map { "\($0): \(reason)" } ?? reason
        }
        return explanation.verdicts.map { line($0) + "\n" }.joined()
    }

    private func line(_ verdict: Explanation.Verdict) -> String {
        let resource = verdict.resource
        let limits = [verdict.now, verdict.new].compactMap(\.self).map(resource.formatted).joined(separator: " -> ")
        let edit = limits.isEmpty ? resource.name : "\(resource.name) \(limits)"
        return "\(process.map { "\(edit)  \($0)" } ?? edit): \(reason(verdict))"
    }

    private func reason(_ verdict: Explanation.Verdict) -> String {
        let error = verdict.error?.message.forTerminal
        let other = "another edit is refused, and edits are made all or none"
        guard verdict.new != nil else { return "refused: \(error ?? other)" }
        let grant = verdict.rule.map { "granted by rule \"\($0.forTerminal)\"" } ?? "granted without a rule"
        guard explanation.isAllowed else { return "\(grant), but \(other)" }
        return error.map { "\(grant), but less than requested: \($0)" } ?? grant
    }
}
