import RlimitModel
import RlimitWire

/// What has come of an answer so far: a long one comes in parts. It is large, so nothing copies it in passing.
struct PendingReply: ~Copyable {
    /// The processes of one answer at most, so that no agent fills the memory of its clients. An agent names half as many.
    static let maxProcessCount = 262_144

    /// The leases of one answer at most, for the same reason.
    static let maxLeaseCount = 65_536

    private var stage = Stage.empty
    // The whole answer, where it repeats the last one. Apart, for plain bits are quickly moved.
    private var decoded: DecodedLimits?

    private enum Stage {
        case empty
        case partial(Reply)
        // Apart, so that each part is appended in place.
        case processes([ProcessResult])
        case complete(Result<Reply, RlimitError>)
    }

    /// Whether the answer is all there.
    var isComplete: Bool {
        if case .complete = stage { return true }
        return decoded != nil
    }

    /// The whole answer, once it is there.
    var result: Result<Reply, RlimitError>? {
        if let decoded { return .success(.limits(decoded.resources, decoded.limits)) }
        guard case .complete(let result) = stage else { return nil }
        return result
    }

    /// What it means to whoever asked, once it is all there; `.success(nil)` where it answers something else.
    func answer<Call: AgentCall>(to call: Call) -> Result<Call.Value?, RlimitError>? {
        if let decoded { return .success(call.value(of: decoded)) }
        switch result {
        case .success(let reply): return .success(call.value(of: reply))
        case .failure(let error): return .failure(error)
        case nil: return nil
        }
    }

    /// A whole answer that repeats the last one. False where another has begun.
    mutating func add(_ decoded: DecodedLimits) -> Bool {
        guard !isComplete, case .empty = stage else { return false }
        self.decoded = decoded
        return true
    }

    /// False where a part does not continue what came before.
    mutating func add(_ response: consuming Response) -> Bool {
        // Nearly all are.
        if case .empty = stage, decoded == nil, !response.more {
            stage = .complete(response.outcome)
            return true
        }
        return addPart(response)
    }

    private mutating func addPart(_ response: Response) -> Bool {
        guard !isComplete else { return false }
        switch (stage, response.outcome) {
        case (.complete, _):
            return false
        case (_, .failure):
            stage = .complete(response.outcome)
        case (_, .success(.processes(let more, let isIncomplete))):
            return add(more, isIncomplete: isIncomplete, isLast: !response.more)
        case (.empty, .success(let part)):
            stage = .partial(part)
        case (.partial(let parts), .success(let part)):
            guard let whole = parts.continued(by: part) else { return false }
            stage = response.more ? .partial(whole) : .complete(.success(whole))
        case (.processes, .success):
            return false
        }
        return true
    }

    private mutating func add(_ more: [ProcessResult], isIncomplete: Bool, isLast: Bool) -> Bool {
        var processes: [ProcessResult]
        switch stage {
        case .empty: processes = []
        case .processes(let before): processes = before
        case .partial, .complete: return false
        }
        // The list is then ours alone, and is not copied.
        stage = .empty
        guard processes.count + more.count <= Self.maxProcessCount else { return false }
        processes.append(contentsOf: more)
        stage = isLast ? .complete(.success(.processes(processes, isIncomplete: isIncomplete))) : .processes(processes)
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
            guard leases.count + more.count <= PendingReply.maxLeaseCount else { return nil }
            return .leases(leases + more)
        case (.explanation(var explanation), .explanation(let more)):
            explanation.verdicts += more.verdicts
            return .explanation(explanation)
        default:
            return nil
        }
    }
}
