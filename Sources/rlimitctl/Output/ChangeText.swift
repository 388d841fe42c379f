import RlimitModel

extension Change {
    /// What is to be said of it beside the limits, in sentences.
    var notes: [String] {
        let shortfall = shortfall.map { ["\(resource.name) has not all that was asked for: \($0.message.forTerminal)"] }
        return (shortfall ?? []) + warnings.map { "\(resource.name): \($0.sentence)" }
    }
}
