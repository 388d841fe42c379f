// From an edit as it was meant to one whose halves are numbers, once the limits of the process are known.

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
