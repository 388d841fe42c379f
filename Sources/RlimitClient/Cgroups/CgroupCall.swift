import RlimitModel

/// A request about every process in a cgroup. The agent decides for each process separately, and its response has a
/// result for each one.
struct CgroupCall<Part: Sendable>: AgentCall {
    let request: AgentRequest
    // The value of the result of one process.
    private let part: @Sendable (Reply) -> Part?

    private init(_ operation: Request.Operation, _ part: @escaping @Sendable (Reply) -> Part?) {
        request = AgentRequest(operation)
        self.part = part
    }

    func value(of reply: Reply) -> PerProcess<Part>? {
        guard case .processes(let results, let isIncomplete) = reply else { return nil }
        var elements: [PerProcess<Part>.Element] = []
        elements.reserveCapacity(results.count)
        for process in results {
            switch process.outcome {
            case .failure(let error): elements.append(.init(pid: process.pid, .failure(error)))
            case .success(let reply):
                guard let value = part(reply) else { return nil }
                elements.append(.init(pid: process.pid, .success(value)))
            }
        }
        return PerProcess(elements, isComplete: !isIncomplete)
    }
}

extension CgroupCall {
    /// - Throws: `.invalidArgument` for an empty path.
    init(_ resources: ResourceSet, in cgroup: Cgroup) throws(RlimitError) where Part == Limits {
        self.init(.get(try cgroup.requestTarget(), resources)) { reply in
            guard case .limits(let present, let limits) = reply, resources.allSatisfy({ present.contains($0) }) else {
                return nil
            }
            return limits
        }
    }

    /// - Throws: `.invalidArgument` for an empty path.
    init(_ resource: Resource, in cgroup: Cgroup) throws(RlimitError) where Part == Limit {
        self.init(.get(try cgroup.requestTarget(), ResourceSet(CollectionOfOne(resource)))) { reply in
            guard case .limits(let present, let limits) = reply, present.contains(resource) else { return nil }
            return limits[resource]
        }
    }

    /// - Throws: `.invalidArgument` for an empty path.
    init(_ scope: Usage.Scope, in cgroup: Cgroup) throws(RlimitError) where Part == Usage {
        self.init(.usage(try cgroup.requestTarget(), scope)) { reply in
            guard case .usage(let usage) = reply else { return nil }
            return usage
        }
    }

    /// - Throws: `.invalidArgument` for an empty path, a resource that is named twice, and no edit at all;
    ///   `.unsupported` for an edit that depends on the current limits of each process.
    init(_ edits: [Edit], in cgroup: Cgroup) throws(RlimitError) where Part == [Change] {
        let uniformEdits = try UniformEdit.list(edits)
        let batch = EditBatch(uniformEdits.lazy.map(\.edit))
        self.init(.set(try cgroup.requestTarget(), batch, lease: nil)) { reply in
            guard case .changes(let changes, _) = reply, changes.map(\.resource) == edits.map(\.resource) else {
                return nil
            }
            return zip(uniformEdits, changes).map { edit, change in edit.reported(change) }
        }
    }

    /// - Throws: As for several edits.
    init(_ edit: Edit, in cgroup: Cgroup) throws(RlimitError) where Part == Change {
        let whole = try CgroupCall<[Change]>([edit], in: cgroup)
        self.init(whole.request.operation) { reply in whole.part(reply)?.first }
    }
}

extension Cgroup {
    /// The target in a request to the agent.
    fileprivate func requestTarget() throws(RlimitError) -> Request.Target {
        switch place {
        // In the protocol an empty path means the caller's own cgroup.
        case .cgroup(""), .pod(""): throw RlimitError(.invalidArgument, message: "the path of a cgroup is empty")
        case .cgroup(let path): return .cgroup(path)
        case .pod(let path): return .pod(path)
        }
    }
}
