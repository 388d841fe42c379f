import RlimitModel
import RlimitWire

/// What has come of an answer so far: a long one comes in parts. It is large, so nothing copies it in passing.
struct PendingReply: ~Copyable {
    /// The processes of one answer at most, so that no agent fills the memory of its clients. An agent names half as many.
    static let greatestProcessCount = 262_144

    /// The leases of one answer at most, for the same reason.
    static let greatestLeaseCount = 65_536

    private var stage = Stage.nothing
    // The whole answer, where it repeats the last one. Apart, for plain bits are quickly moved.
    private var told: ToldLimits?

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
        return told != nil
    }

    /// The whole answer, once it is there.
    var result: Result<Reply, RlimitError>? {
        if let told { return .success(.limits(told.resources, told.limits)) }
        guard case .whole(let result) = stage else { return nil }
        return result
    }

    /// What it means to whoever asked, once it is all there; `.success(nil)` where it answers something else.
    func answer<Asked: Question>(to question: Asked) -> Result<Asked.Value?, RlimitError>? {
        if let told { return .success(question.value(of: told)) }
        switch result {
        case .success(let reply): return .success(question.value(of: reply))
        case .failure(let error): return .failure(error)
        case nil: return nil
        }
    }

    /// A whole answer that repeats the last one. False where another has begun.
    mutating func take(_ told: ToldLimits) -> Bool {
        guard !isWhole, case .nothing = stage else { return false }
        self.told = told
        return true
    }

    /// False where a part does not continue what came before.
    mutating func take(_ response: consuming Response) -> Bool {
        // Nearly all are.
        if case .nothing = stage, told == nil, !response.more {
            stage = .whole(response.outcome)
            return true
        }
        return takePart(response)
    }

    private mutating func takePart(_ response: Response) -> Bool {
        guard !isWhole else { return false }
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
