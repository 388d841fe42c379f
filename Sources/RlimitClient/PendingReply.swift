import RlimitModel

/// What has come of an answer so far: a long one comes in parts.
struct PendingReply {
    private var parts: Reply?
    /// The whole answer, once it is there.
    private(set) var result: Result<Reply, RlimitError>?

    /// False where a part does not continue what came before.
    mutating func take(_ response: Response) -> Bool {
        guard result == nil else { return false }
        guard case .success(let part) = response.outcome else {
            result = response.outcome
            return true
        }
        guard let whole = parts.map({ $0.continued(by: part) }) ?? part else { return false }
        if response.more {
            parts = whole
        } else {
            result = .success(whole)
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
