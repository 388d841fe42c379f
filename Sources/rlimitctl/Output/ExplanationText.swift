import RlimitModel

/// An explanation for people.
struct ExplanationText {
    var explanation = Explanation()
    /// The process it is about, as "bash (pid 4242)"; nil for a supposed one.
    var process: String?
    /// Whose most the second table shows: "I", or a user.
    var caller = "I"

    /// Of all resources: what is, what may be, and by which rule.
    var overview: String {
        var table = TextTable([
            ("RESOURCE", .left), ("NOW", .right), ("MOST-\(caller)-MAY-HAVE", .right), ("BY-RULE", .left),
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

    // What a lease would give beyond the table; and what is so of all resources, once.
    private var remarks: [String] {
        let messages = explanation.verdicts.compactMap { $0.error?.message }
        if let first = messages.first, explanation.verdicts.count > 1, messages.count == explanation.verdicts.count,
            messages.allSatisfy({ $0 == first })
        {
            return [first]
        }
        return explanation.verdicts.compactMap { $0.most == nil ? nil : $0.error?.message }
    }

    /// Of edits: a line for each.
    var decision: String {
        // Refused as a whole, where it is about the process or the caller.
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
        let other = "another edit is refused, and all are made or none"
        guard verdict.new != nil else { return "refused: \(error ?? other)" }
        let grant = verdict.rule.map { "granted by rule \"\($0.forTerminal)\"" } ?? "granted, and needs no rule"
        guard explanation.isAllowed else { return "\(grant), but \(other)" }
        return error.map { "\(grant), but not all of it: \($0)" } ?? grant
    }
}
