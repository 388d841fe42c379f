/// Whether a pattern matches, given the known facts about caller and target.
///
/// An allow rule requires `yes`; a deny rule also applies at `perhaps`. A fact that this kernel does not report, or
/// that was gone before the agent could read it, therefore never grants anything.
enum Match: Comparable {
    case no
    case perhaps
    case yes

    init(_ fits: Bool) { self = fits ? .yes : .no }

    /// The conjunction: the weaker of the two.
    func and(_ other: Match) -> Match { min(self, other) }

    /// The negation.
    var negated: Match {
        switch self {
        case .no: .yes
        case .perhaps: .perhaps
        case .yes: .no
        }
    }
}
