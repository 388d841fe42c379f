import RlimitModel

/// Edits that are to be explained and not made. As when they are made, the kernel's part needs nobody's leave, and the
/// agent is asked for what is left. A pure value.
struct Rehearsal {
    private let wishes: [Wish]
    // By place among the edits: those that the agent is asked for.
    private let asked: [Int]

    /// - Throws: What `set` throws before it changes anything: `.softExceedsHard`, `.conflict`.
    init(_ edits: [Edit], now: Limits, leave: KernelLeave) throws(RlimitError) {
        let wishes = edits.map { Wish($0, now: now[$0.resource]) }
        self.wishes = wishes
        asked = wishes.indices.filter { !leave.covers(wishes[$0]) }
        for (index, wish) in wishes.enumerated() { try Self.check(wish, index) }
    }

    /// What the agent is to be asked; empty where the kernel does it all.
    var question: [Edit] { asked.map { wishes[$0].raisingPart } }

    /// The whole answer, from the agent's to its part.
    func answer(_ explanation: Explanation = Explanation()) -> Explanation {
        // Refused as a whole: nothing is said of single edits.
        guard explanation.verdicts.count == asked.count else { return explanation }
        var whole = Explanation(refusal: explanation.refusal.map(inPlace), verdicts: wishes.map(granted))
        for (place, verdict) in zip(asked, explanation.verdicts) {
            var verdict = verdict
            verdict.error = verdict.error.map(inPlace)
            // What the agent does not lower, the kernel does.
            if let new = verdict.new, wishes[place].lowers { verdict.new = lowered(new, wishes[place]) }
            whole.verdicts[place] = verdict
        }
        return whole
    }

    private func granted(_ wish: Wish) -> Explanation.Verdict {
        Explanation.Verdict(
            wish.resource, now: wish.now, most: Limit(max(wish.now.hard, wish.wanted.hard)), new: wish.wanted)
    }

    private func lowered(_ new: Limit, _ wish: Wish) -> Limit {
        Limit(soft: min(new.soft, wish.wanted.soft), hard: min(new.hard, wish.wanted.hard))
    }

    // The agent numbers the edits that it was asked for.
    private func inPlace(_ error: RlimitError) -> RlimitError {
        guard let index = error.editIndex, asked.indices.contains(index) else { return error }
        var error = error
        error.editIndex = asked[index]
        return error
    }

    private static func check(_ wish: Wish, _ index: Int) throws(RlimitError) {
        let (resource, wanted) = (wish.resource, wish.wanted)
        if let expected = wish.edit.expecting, expected != wish.now {
            throw RlimitError(
                .conflict, message: "\(resource) is \(wish.now) and not \(expected) as expected", resource: resource,
                editIndex: index)
        }
        guard wanted.soft <= wanted.hard || wish.edit.mode == .clamp else {
            throw RlimitError(
                .softExceedsHard, message: "\(resource): soft \(wanted.soft) is above hard \(wanted.hard)",
                resource: resource, editIndex: index)
        }
    }
}
