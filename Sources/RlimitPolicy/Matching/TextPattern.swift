/// A pattern in which `*` matches any number of characters except `/`.
package struct TextPattern: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package func matches(_ candidate: some StringProtocol) -> Bool {
        TextPattern.match(text.utf8, candidate.utf8) == .whole
    }

    enum Extent: Equatable { case none, whole, beginning }

    // Matches with one backtracking position: if the text after a star does not match, the last star takes one more
    // character. A star never matches a slash, so the stars of earlier components need no backtracking.
    static func match<Pattern: Collection<UInt8>, Text: Collection<UInt8>>(
        _ pattern: Pattern, _ text: Text, allowsPrefix: Bool = false
    ) -> Extent {
        var (p, t) = (pattern.startIndex, text.startIndex)
        var back: (p: Pattern.Index, t: Text.Index)?
        while true {
            if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
                p = pattern.index(after: p)
                back = (p, t)
                continue
            }
            if p == pattern.endIndex && (t == text.endIndex || allowsPrefix) {
                return t == text.endIndex ? .whole : .beginning
            }
            if p < pattern.endIndex, t < text.endIndex, pattern[p] == text[t] {
                p = pattern.index(after: p)
                t = text.index(after: t)
                continue
            }
            guard let star = back, star.t < text.endIndex, text[star.t] != UInt8(ascii: "/") else { return .none }
            t = text.index(after: star.t)
            p = star.p
            back = (p, t)
        }
    }
}
