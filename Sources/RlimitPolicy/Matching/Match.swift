/// How far a pattern fits, given what is known of caller and target.
///
/// An allow grants only what surely fits; a deny refuses whatever may fit. So a fact that this kernel does not tell, or
/// that was gone before it could be read, never opens anything.
enum Match: Comparable {
    case no
    case perhaps
    case yes

    init(_ fits: Bool) { self = fits ? .yes : .no }

    /// Both must fit: the weaker of the two.
    func and(_ other: Match) -> Match { min(self, other) }

    /// Fits where this does not.
    var negated: Match {
        switch self {
        case .no: .yes
        case .perhaps: .perhaps
        case .yes: .no
        }
    }
}
