/// An edit whose halves are numbers: what travels to the agent, and what the kernel can be asked for.
///
/// "The present hard limit" and "the most one may have" were worked out by then; the protocol has no words for them.
package struct NumericEdit: Hashable, Sendable {
    package var resource: Resource
    package var mode: Edit.Mode
    package var soft: Limit.Bound?
    package var hard: Limit.Bound?
    package var expecting: Limit?

    package init(
        _ resource: Resource, soft: Limit.Bound? = nil, hard: Limit.Bound? = nil, mode: Edit.Mode = .exact,
        expecting: Limit? = nil
    ) {
        self.resource = resource
        self.mode = mode
        self.soft = soft
        self.hard = hard
        self.expecting = expecting
    }

    /// The limits that this edit leads to from `now`, where nothing is refused. A hard limit that is not mentioned stays.
    package func applied(to now: Limit) -> Limit {
        switch mode {
        case .exact: Limit(soft: soft ?? now.soft, hard: hard ?? now.hard)
        case .atLeast, .clamp: Limit(soft: max(soft ?? 0, now.soft), hard: max(hard ?? 0, now.hard))
        }
    }
}

extension Edit {
    /// Whether its numbers depend on the limits the process has now.
    package var dependsOnCurrent: Bool {
        switch values {
        case .single: mode == .exact || mentions(.hard)
        case .halves: mentions(.hard)
        }
    }

    /// Whether its numbers depend on the most that one may have.
    package var dependsOnMax: Bool { mentions(.most) }

    /// The edit in numbers.
    ///
    /// - Parameters:
    ///   - now: The limits of the process, read just before; only looked at where `dependsOnCurrent` says so.
    ///   - most: The most that one may have; only looked at where `dependsOnMax` says so.
    package func numeric(now: Limit, most: Limit.Bound) -> NumericEdit {
        func number(_ value: Value) -> Limit.Bound {
            switch value {
            case .bound(let bound): bound
            case .hard: now.hard
            case .most: most
            }
        }
        var edit = NumericEdit(resource, mode: mode, expecting: expecting)
        switch values {
        case .halves(let soft, let hard):
            edit.soft = soft.map(number)
            edit.hard = hard.map(number)
        case .single(let value):
            let bound = number(value)
            edit.soft = bound
            // The other two modes never lower by themselves; exactly, only a hard limit below is touched.
            if mode != .exact || bound > now.hard { edit.hard = bound }
        }
        return edit
    }

    private func mentions(_ word: Value) -> Bool {
        switch values {
        case .single(let value): value == word
        case .halves(let soft, let hard): soft == word || hard == word
        }
    }
}
