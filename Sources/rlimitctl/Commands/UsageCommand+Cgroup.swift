import RlimitClient

extension UsageCommand {
    /// `usage --cgroup`: a line for each process.
    func show(_ cgroup: Cgroup) throws {
        let client = global.client(agentOnly: true)
        let report = CgroupReport(try client.usage(in: cgroup, scope))
        if global.json {
            try Output.print(
                report.json(self.cgroup, [("scope", .string(scopeWord))], as: "usage") { usage in
                    let fields = usage.fields.map { ($0.key, $0.value.json) }
                    return .object(fields + [("isPartial", .bool(usage.isPartial))])
                })
        } else if !report.successes.isEmpty {
            try Output.print(table(report))
        }
        if report.successes.contains(where: \.value.isPartial) {
            Output.note("context switches lack those of threads that have ended")
        }
        try report.finish("shown")
    }

    // Without the fields that are 0 on Linux, so that a line fits a screen; JSON has all.
    private func table(_ report: CgroupReport<Usage>) -> String {
        let shown = ["utime", "stime", "maxrss", "minflt", "majflt", "nvcsw", "nivcsw"]
        var table = TextTable(
            [("PID", .right), ("COMMAND", .left)] + shown.map { ($0.uppercased(), .right) })
        for (entry, usage) in report.successes {
            let fields = usage.fields.filter { shown.contains($0.name) }
            table.append([entry.pid.map(String.init) ?? "-", entry.command ?? "-"] + fields.map(\.value.text))
        }
        return table.text
    }
}
