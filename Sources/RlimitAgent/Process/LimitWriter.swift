import RlimitModel
import RlimitPolicy

/// Carries out edits that policy granted, on one process.
///
/// The kernel takes a number and not a process, so after each batch the writer looks whether it was still the process
/// that had been judged. If not, it takes back, but only upward: a limit that was raised could have been raised before
/// the program changed, and would have stayed; a limit that was lowered may break a program that runs as another user.
struct LimitWriter: ~Copyable {
    /// What came of a batch.
    enum Outcome: Equatable {
        case written
        /// Somebody else changed this limit after it was judged. What was written has been put back.
        case overtaken(Resource, now: Limit)
    }

    private struct Written {
        let resource: Resource
        let new: Limit
        let previous: Limit
    }

    private var written: [Written] = []

    /// - Throws: what the kernel refused, naming the edit, with all edits of the batch taken back; `.targetChanged`.
    mutating func write(
        _ edits: [AuthorizedEdit], to process: borrowing some TargetProcess & ~Copyable,
        expectedIdentity: ProcessCredentials
    ) throws(RlimitError) -> Outcome {
        written.removeAll(keepingCapacity: true)
        // By place, for a copy of an edit takes long.
        for place in edits.indices where edits[place].new != edits[place].old {
            let (resource, new) = (edits[place].resource, edits[place].new)
            let previous: Limit
            do throws(RlimitError) {
                previous = try process.exchange(resource, for: new)
            } catch {
                try restoreLimits(from: process, expectedIdentity: expectedIdentity)
                var refusal = error
                refusal.resource = resource
                refusal.editIndex = edits[place].index
                throw refusal
            }
            written.append(Written(resource: resource, new: new, previous: previous))
            guard previous == edits[place].old else {
                try restoreLimits(from: process, expectedIdentity: expectedIdentity)
                return .overtaken(resource, now: previous)
            }
        }
        guard isUnchanged(expectedIdentity, process) else { throw targetChanged(process) }
        return .written
    }

    /// Lowers what was lent, with the same care. A program that runs with other ids by now has it raised again.
    mutating func lower(
        _ resource: Resource, from now: Limit, to target: Limit, of process: borrowing some TargetProcess & ~Copyable,
        expectedIdentity: ProcessCredentials
    ) throws(RlimitError) -> Outcome {
        written.removeAll(keepingCapacity: true)
        let previous = try process.exchange(resource, for: target)
        written.append(Written(resource: resource, new: target, previous: previous))
        guard previous == now else {
            try restoreLimits(from: process, expectedIdentity: expectedIdentity)
            return .overtaken(resource, now: previous)
        }
        guard isUnchanged(expectedIdentity, process) else { throw targetChanged(process) }
        return .written
    }

    // Where it cannot be asked, it may be anybody by now.
    private func isUnchanged(
        _ expectedIdentity: ProcessCredentials, _ process: borrowing some TargetProcess & ~Copyable
    ) -> Bool {
        (try? process.identity()) == expectedIdentity
    }

    // Newest first and exactly as it was, as long as it is the process that was judged.
    private mutating func restoreLimits(
        from process: borrowing some TargetProcess & ~Copyable, expectedIdentity: ProcessCredentials
    ) throws(RlimitError) {
        guard !written.isEmpty else { return }
        guard isUnchanged(expectedIdentity, process) else { throw targetChanged(process) }
        for edit in written.reversed() {
            // What is taken back may be taken from another program by now, so that is written down as well.
            let previous = try process.exchange(edit.resource, for: edit.previous)
            written.append(Written(resource: edit.resource, new: edit.previous, previous: previous))
        }
        guard isUnchanged(expectedIdentity, process) else { throw targetChanged(process) }
    }

    // Raises again what this writer lowered, if it still is as it was written: else it was set since by the program that runs
    // there now, which knows why, or the number has come to mean another process. Where that fails there is nothing to mend.
    private func targetChanged(_ process: borrowing some TargetProcess & ~Copyable) -> RlimitError {
        for edit in written {
            guard let now = try? process.read(edit.resource) else { continue }
            var repaired = now
            if edit.new.hard < edit.previous.hard, now.hard == edit.new.hard { repaired.hard = edit.previous.hard }
            if edit.new.soft < edit.previous.soft, now.soft == edit.new.soft {
                repaired.soft = min(edit.previous.soft, repaired.hard)
            }
            guard repaired != now else { continue }
            _ = try? process.exchange(edit.resource, for: repaired)
        }
        return RlimitError(
            .targetChanged,
            message: "process \(process.pid) became another user's, or ended, while its limits were being set",
            resource: written.last?.resource)
    }
}
