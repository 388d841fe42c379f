import RlimitModel

/// A result as JSON or as a table.
struct Report {
    let plan: Plan
    let workload: Workload
    let recorder: Recorder

    /// One line of JSON.
    var json: String {
        """
        {"mode":"\(plan.mode.rawValue)","param":\(plan.parameter),"connections":\(plan.connections),\
        "outstanding":\(plan.outstanding),"tasks":\(plan.tasks),"calls":\(recorder.calls),"errors":\(recorder.errors),\
        "wall_s":\(fixed(recorder.wall, 6)),"calls_per_s":\(fixed(recorder.callsPerSecond, 1)),\
        "min_us":\(fixed(recorder.minLatency, 3)),"p50_us":\(at(50)),"p90_us":\(at(90)),"p99_us":\(at(99)),\
        "p999_us":\(at(99.9)),"max_us":\(fixed(recorder.maxLatency, 3)),"cli_cpu_s":\(fixed(recorder.processorTime, 6)),\
        "soft":\(recorder.limit?.soft.rawValue ?? 0),"hard":\(recorder.limit?.hard.rawValue ?? 0)}
        """
    }

    /// A table with names on the left and numbers on the right.
    var table: String {
        let rows = [
            ("what", workload.description),
            ("how", how),
            ("calls", "\(recorder.calls) in \(fixed(recorder.wall, 3)) s"),
            ("errors", "\(recorder.errors)" + (recorder.failure.map { "; the first: \($0.message)" } ?? "")),
            ("calls/s", fixed(recorder.callsPerSecond, 0)),
            ("client CPU", "\(fixed(recorder.processorTime * 1e6 / Double(max(1, recorder.calls)), 2)) us a call"),
            ("", ""),
            ("latency", "us"),
            ("least", fixed(recorder.minLatency, 1)),
            ("p50", fixed(recorder.latency(atPercentile: 50), 1)),
            ("p90", fixed(recorder.latency(atPercentile: 90), 1)),
            ("p99", fixed(recorder.latency(atPercentile: 99), 1)),
            ("p99.9", fixed(recorder.latency(atPercentile: 99.9), 1)),
            ("most", fixed(recorder.maxLatency, 1)),
        ]
        // Aligns the numbers of the table on the right.
        let numbers = rows.suffix(7).map(\.1.count).max() ?? 0
        return rows.enumerated().map { index, row in
            let name = row.0 + String(repeating: " ", count: 12 - row.0.count)
            let padding = index > 6 ? String(repeating: " ", count: numbers - row.1.count) : ""
            return row.0.isEmpty ? "" : name + padding + row.1
        }.joined(separator: "\n")
    }

    private var how: String {
        if plan.tasks > 0 { return "\(counted(plan.tasks, "task")) of the asynchronous client" }
        return "\(counted(plan.connections, "connection")), \(plan.outstanding) outstanding on each"
    }

    private func at(_ percentile: Double) -> String { fixed(recorder.latency(atPercentile: percentile), 3) }
    private func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}

/// A number with this number of decimal places.
func fixed(_ number: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((abs(number) * scale).rounded())
    let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int64(scale))
    let fraction = String(rest)
    let sign = number < 0 && scaled != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
}
