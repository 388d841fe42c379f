import RlimitModel

/// What has come of an answer so far: a long one comes in parts.
struct PendingReply {
    /// The processes of one answer at most, so that no agent fills the memory of its clients. An agent names half as many.
    static let greatestProcessCount = 262_144

    private var parts: Reply?
    // Apart, so that each part is appended in place.
    private var processes: [ProcessResult]?
    /// The whole answer, once it is there.
    private(set) var result: Result<Reply, RlimitError>?

    /// False where a part does not continue what came before.
    mutating func take(_ response: Response) -> Bool {
        guard result == nil else { return false }
        switch response.outcome {
        case .failure:
            result = response.outcome
            processes = nil
            return true
        case .success(.processes(let more, let isIncomplete)):
            return take(more, isIncomplete: isIncomplete, isLast: !response.more)
        case .success(let part):
            return take(part, isLast: !response.more)
        }
    }

    private mutating func take(_ part: Reply, isLast: Bool) -> Bool {
        guard processes == nil, let whole = parts.map({ $0.continued(by: part) }) ?? part else { return false }
        if isLast {
            result = .success(whole)
        } else {
            parts = whole
        }
        return true
    }

    private mutating func take(_ more: [ProcessResult], isIncomplete: Bool, isLast: Bool) -> Bool {
        guard parts == nil, (processes?.count ?? 0) + more.count <= Self.greatestProcessCount else { return false }
        processes = processes ?? []
        processes?.append(contentsOf: more)
        if isLast, let whole = processes.take() {
            result = .success(.processes(whole, isIncomplete: isIncomplete))
        }
        return true
    }
}

extension Reply {
    fileprivate func continued(by part: Reply) -> Reply? {
        switch (self, part) {
        case (.limits(var resources, var limits), .limits(let more, let others)):
            for resource in more where resources.insert(resource) { limits[resource] = others[resource] }
            return .limits(resources, limits)
        case (.changes(let changes), .changes(let more)):
            return .changes(changes + more)
        case (.explanation(var explanation), .explanation(let more)):
            explanation.verdicts += more.verdicts
            return .explanation(explanation)
        default:
            return nil
        }
    }
}
