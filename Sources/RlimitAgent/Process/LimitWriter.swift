import RlimitModel
import RlimitPolicy

/// Applies edits that the policy authorized to one process.
///
/// prlimit(2) takes a pid, so after each batch the writer checks that the pid still belongs to the process that the
/// policy decided on. If it does not, the writer only raises again the limits that it lowered: a lowered limit may
/// break a program that runs as another user. A raised limit stays, because a raise before the program changed would
/// also have stayed.
struct LimitWriter: ~Copyable {
    /// The outcome of a batch.
    enum Outcome: Equatable {
        case written
        /// Another process changed this limit after the decision. The writer has restored what it wrote.
        case overtaken(Resource, now: Limit)
    }

    private struct Written {
        let resource: Resource
        let new: Limit
        let previous: Limit
    }

    private var written: [Written] = []

    /// - Throws: The kernel's refusal, with the index of the edit, after all edits of the batch were restored;
    ///   `.targetChanged`.
    mutating func write(
        _ edits: [AuthorizedEdit], to process: borrowing some TargetProcess & ~Copyable,
        expectedIdentity: ProcessCredentials
    ) throws(RlimitError) -> Outcome {
        written.removeAll(keepingCapacity: true)
        // By index, because copying an edit is slow.
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

    /// Lowers a leased limit, with the same checks. If the program runs with other ids by now, the limit is raised
    /// again.
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

    // Also false if the credentials cannot be read: the pid may belong to another process.
    private func isUnchanged(
        _ expectedIdentity: ProcessCredentials, _ process: borrowing some TargetProcess & ~Copyable
    ) -> Bool {
        (try? process.identity()) == expectedIdentity
    }

    // Restores the previous limits, newest first, as long as the process is the one that the policy decided on.
    private mutating func restoreLimits(
        from process: borrowing some TargetProcess & ~Copyable, expectedIdentity: ProcessCredentials
    ) throws(RlimitError) {
        guard !written.isEmpty else { return }
        guard isUnchanged(expectedIdentity, process) else { throw targetChanged(process) }
        for edit in written.reversed() {
            // Recorded too: if the process has changed by now, `targetChanged` must raise what this call lowered.
            let previous = try process.exchange(edit.resource, for: edit.previous)
            written.append(Written(resource: edit.resource, new: edit.previous, previous: previous))
        }
        guard isUnchanged(expectedIdentity, process) else { throw targetChanged(process) }
    }

    // Raises the limits that this writer lowered, if they still are as it wrote them. Otherwise the program that runs
    // now has set them itself, or the pid belongs to another process. If the raising fails, the process has ended and
    // needs no repair.
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
