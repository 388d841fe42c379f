import RlimitClient

/// The threshold of `--above`.
struct Alert {
    let threshold: LimitClient.Watch.Threshold

    /// Parses `RESOURCE=VALUE` or `RESOURCE=PERCENT%`.
    init(_ text: String) throws {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2, let name = sides.first, let value = sides.last, !name.isEmpty, !value.isEmpty else {
            throw UsageError("--above \"\(text.forTerminal)\" is not a threshold; write RESOURCE=VALUE or RESOURCE=80%")
        }
        let resource = try Failure.ofParsing { () throws(RlimitError) in try Resource(named: name) }
        guard value.hasSuffix("%") else {
            let bound = try Failure.ofParsing { () throws(RlimitError) in try resource.bound(parsing: value) }
            guard bound != .infinity else {
                throw UsageError("--above \(text.forTerminal): usage never exceeds unlimited; give a finite value")
            }
            threshold = .above(bound, of: resource)
            return
        }
        guard let percent = Double(value.dropLast()), percent >= 0, percent <= 100 else {
            throw UsageError("--above \"\(text.forTerminal)\": a percentage of the soft limit is from 0% to 100%")
        }
        threshold = .above(fraction: percent / 100, of: resource)
    }
}
