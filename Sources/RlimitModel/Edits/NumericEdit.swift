/// An edit with numeric halves, as the protocol and the kernel take it.
///
/// The symbolic values "current hard limit" and "maximum" are resolved before: the protocol cannot express them.
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

    /// The limits after this edit of `now`, if it is fully granted. A half that is nil keeps its value.
    package func applied(to now: Limit) -> Limit {
        switch mode {
        case .exact: Limit(soft: soft ?? now.soft, hard: hard ?? now.hard)
        case .atLeast, .clamp: Limit(soft: max(soft ?? 0, now.soft), hard: max(hard ?? 0, now.hard))
        }
    }
}

extension Edit {
    /// Whether the numeric halves depend on the current limits of the process.
    package var dependsOnCurrent: Bool {
        switch values {
        case .single: mode == .exact || mentions(.hard)
        case .halves: mentions(.hard)
        }
    }

    /// Whether the numeric halves depend on the maximum that the caller may have.
    package var dependsOnMax: Bool { mentions(.most) }

    /// The edit with its symbolic values resolved.
    ///
    /// - Parameters:
    ///   - now: The current limits of the process; used only if `dependsOnCurrent` is true.
    ///   - most: The maximum that the caller may have; used only if `dependsOnMax` is true.
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
            // The other two modes never lower anyway; `exact` changes hard only if it is below.
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
