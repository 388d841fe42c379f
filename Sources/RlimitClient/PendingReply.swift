import RlimitModel

/// What has come of an answer so far: a long one comes in parts.
struct PendingReply {
    /// The processes of one answer at most, so that no agent fills the memory of its clients. An agent names half as many.
    static let greatestProcessCount = 262_144

    /// The leases of one answer at most, for the same reason.
    static let greatestLeaseCount = 65_536

    private var stage = Stage.nothing

    private enum Stage {
        case nothing
        case part(Reply)
        // Apart, so that each part is appended in place.
        case processes([ProcessResult])
        case whole(Result<Reply, RlimitError>)
    }

    /// Whether the answer is all there.
    var isWhole: Bool {
        if case .whole = stage { return true }
        return false
    }

    /// The whole answer, once it is there.
    var result: Result<Reply, RlimitError>? {
        guard case .whole(let result) = stage else { return nil }
        return result
    }

    /// The whole answer, once it is there: moved out, for it is large.
    mutating func takeResult() -> Result<Reply, RlimitError>? {
        guard isWhole else { return nil }
        var taken = Stage.nothing
        swap(&taken, &stage)
        guard case .whole(let result) = taken else { return nil }
        return result
    }

    /// False where a part does not continue what came before.
    mutating func take(_ response: consuming Response) -> Bool {
        // Nearly all are.
        if case .nothing = stage, !response.more {
            stage = .whole(response.outcome)
            return true
        }
        return takePart(response)
    }

    private mutating func takePart(_ response: Response) -> Bool {
        switch (stage, response.outcome) {
        case (.whole, _):
            return false
        case (_, .failure):
            stage = .whole(response.outcome)
        case (_, .success(.processes(let more, let isIncomplete))):
            return take(more, isIncomplete: isIncomplete, isLast: !response.more)
        case (.nothing, .success(let part)):
            stage = .part(part)
        case (.part(let parts), .success(let part)):
            guard let whole = parts.continued(by: part) else { return false }
            stage = response.more ? .part(whole) : .whole(.success(whole))
        case (.processes, .success):
            return false
        }
        return true
    }

    private mutating func take(_ more: [ProcessResult], isIncomplete: Bool, isLast: Bool) -> Bool {
        var processes: [ProcessResult]
        switch stage {
        case .nothing: processes = []
        case .processes(let before): processes = before
        case .part, .whole: return false
        }
        // The list is then ours alone, and is not copied.
        stage = .nothing
        guard processes.count + more.count <= Self.greatestProcessCount else { return false }
        processes.append(contentsOf: more)
        stage = isLast ? .whole(.success(.processes(processes, isIncomplete: isIncomplete))) : .processes(processes)
        return true
    }
}

extension Reply {
    fileprivate func continued(by part: Reply) -> Reply? {
        switch (self, part) {
        case (.limits(var resources, var limits), .limits(let more, let others)):
            for resource in more where resources.insert(resource) { limits[resource] = others[resource] }
            return .limits(resources, limits)
        case (.changes(let changes, let lease), .changes(let more, let lastLease)):
            return .changes(changes + more, lease: lastLease ?? lease)
        case (.restorations(let restorations), .restorations(let more)):
            return .restorations(restorations + more)
        case (.leases(let leases), .leases(let more)):
            guard leases.count + more.count <= PendingReply.greatestLeaseCount else { return nil }
            return .leases(leases + more)
        case (.explanation(var explanation), .explanation(let more)):
            explanation.verdicts += more.verdicts
            return .explanation(explanation)
        default:
            return nil
        }
    }
}
