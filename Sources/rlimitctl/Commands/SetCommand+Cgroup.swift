import RlimitClient

extension SetCommand {
    /// `set --cgroup`: in each process all of the edits or none.
    func apply(_ edits: [Edit], in cgroup: Cgroup) throws {
        try requireUniform(edits)
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.apply(edits, in: cgroup))
        if global.json {
            try Output.print(
                report.json(self.cgroup, [("dryRun", .bool(false))], as: "changes") { .array($0.map(JSON.change)) })
        } else {
            try Output.print(lines(report))
        }
        notes(report).forEach(Output.note)
        try report.finish("changed")
    }

    // What could mean another thing for each process is a matter of the command line.
    private func requireUniform(_ edits: [Edit]) throws {
        for (index, edit) in edits.enumerated() {
            do throws(RlimitError) {
                _ = try UniformEdit(edit, at: index)
            } catch {
                var failure = Failure(error, status: ExitStatus.usage)
                if case .single(.bound) = edit.values { failure.message += " (--at-least)" }
                throw failure
            }
        }
    }

    private func lines(_ report: CgroupReport<[Change]>) -> String {
        report.successes.map { entry, changes in
            changes.map { change in
                let resource = change.resource
                return "\(resource.name) \(resource.formatted(change.old)) -> \(resource.formatted(change.new))  "
                    + entry.label + "\n"
            }.joined()
        }.joined()
    }

    // What is so of many is said once, and of how many.
    private func notes(_ report: CgroupReport<[Change]>) -> [String] {
        var order: [String] = []
        var counts: [String: Int] = [:]
        for note in report.successes.flatMap(\.value).flatMap(\.notes) {
            if counts[note] == nil { order.append(note) }
            counts[note, default: 0] += 1
        }
        return order.prefix(CgroupReport<[Change]>.maxFailuresShown).map { note in
            let count = counts[note] ?? 1
            return count == 1 ? note : "\(note) (\(count) processes)"
        }
    }
}
