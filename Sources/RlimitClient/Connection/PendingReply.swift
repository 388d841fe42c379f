import RlimitModel
import RlimitWire

/// The parts of a response that have arrived. Long responses arrive in parts.
///
/// The value is large, so no code copies it.
struct PendingReply: ~Copyable {
    /// The maximum number of processes in one response. The bound keeps an agent from filling the client's memory. The
    /// rlimitd agent sends at most half of it.
    static let maxProcessCount = 262_144

    /// The maximum number of leases in one response, for the same reason.
    static let maxLeaseCount = 65_536

    private var stage = Stage.empty
    // A complete response that equals the previous one except for its id. A separate property, because trivial bits
    // move fast.
    private var decoded: DecodedLimits?

    private enum Stage {
        case empty
        case partial(Reply)
        // A separate case, so that each part is appended in place.
        case processes([ProcessResult])
        case complete(Result<Reply, RlimitError>)
    }

    /// Whether the response is complete.
    var isComplete: Bool {
        if case .complete = stage { return true }
        return decoded != nil
    }

    /// The complete response; nil while parts are missing.
    var result: Result<Reply, RlimitError>? {
        if let decoded { return .success(.limits(decoded.resources, decoded.limits)) }
        guard case .complete(let result) = stage else { return nil }
        return result
    }

    /// The value of the complete response for its call; nil while parts are missing, and `.success(nil)` if the
    /// response does not fit the request.
    func answer<Call: AgentCall>(to call: Call) -> Result<Call.Value?, RlimitError>? {
        if let decoded { return .success(call.value(of: decoded)) }
        switch result {
        case .success(let reply): return .success(call.value(of: reply))
        case .failure(let error): return .failure(error)
        case nil: return nil
        }
    }

    /// Adds a complete response that equals the previous one except for its id. Returns false if parts have arrived
    /// already.
    mutating func add(_ decoded: DecodedLimits) -> Bool {
        guard !isComplete, case .empty = stage else { return false }
        self.decoded = decoded
        return true
    }

    /// Adds a part. Returns false if it does not continue the earlier parts.
    mutating func add(_ response: consuming Response) -> Bool {
        // The common case: a response in one part.
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
        // Leaves one reference to the list, so that the append does not copy it.
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
