import RlimitClient

// Converts the members of a request to the library's types.

extension RlimitError {
    /// The error of a request that the library's types cannot express.
    static func invalid(_ message: String) -> RlimitError { RlimitError(.invalidArgument, message: message) }
}

extension JSON {
    func bound() throws(RlimitError) -> Limit.Bound {
        switch self {
        case .number(let value): return Limit.Bound(value)
        case .text("unlimited"): return .infinity
        default: throw .invalid("\(self) is not a limit: an integer from 0, or \"unlimited\"")
        }
    }

    func limit() throws(RlimitError) -> Limit {
        guard let halves = list, halves.count == 2 else { throw .invalid("\(self) is not a pair of limits") }
        return Limit(soft: try halves[0].bound(), hard: try halves[1].bound())
    }

    func resource() throws(RlimitError) -> Resource {
        guard let name = text else { throw .invalid("the member resource is missing") }
        return try Resource(named: name)
    }

    func resources() throws(RlimitError) -> [Resource]? {
        guard let names = self["resources"]?.list else { return nil }
        var resources: [Resource] = []
        for name in names { resources.append(try name.resource()) }
        return resources
    }

    func edits() throws(RlimitError) -> [Edit] {
        var edits: [Edit] = []
        for edit in self["edits"]?.list ?? [] { edits.append(try edit.edit()) }
        return edits
    }

    private func edit() throws(RlimitError) -> Edit {
        let resource = try (self["resource"] ?? .null).resource()
        let mode: Edit.Mode
        switch self["mode"]?.text {
        case nil, "exact": mode = .exact
        case "at_least": mode = .atLeast
        case "clamp": mode = .clamp
        default: throw .invalid("there is no such mode")
        }
        return Edit(
            resource, soft: try self["soft"]?.bound(), hard: try self["hard"]?.bound(), mode: mode,
            expecting: try self["expect"]?.limit())
    }

    /// A process or thread id, which the library has as an Int32.
    func processNumber() throws(RlimitError) -> Int32 {
        switch self {
        case .number(let value) where value <= UInt64(Int32.max): return Int32(value)
        case .otherNumber(let value) where value >= -2_147_483_648 && value < 0: return Int32(value)
        default: throw .invalid("\(self) is not a process id")
        }
    }

    func milliseconds() throws(RlimitError) -> Duration {
        guard let value = number, value <= UInt64(Int64.max) else { throw .invalid("\(self) is not a duration") }
        return .milliseconds(Int64(value))
    }

    func scope() throws(RlimitError) -> Usage.Scope {
        switch self["scope"]?.text {
        case nil, "process": return .process
        case "children": return .children
        case "both": return .processAndChildren
        default: throw .invalid("there is no such scope")
        }
    }

    func leaseID() throws(RlimitError) -> LeaseInfo.ID {
        guard let text = self["lease"]?.text, let id = LeaseInfo.ID(text) else {
            throw .invalid("the member lease is not an id")
        }
        return id
    }

    /// The cgroup of the request; nil for a single process.
    func cgroup() -> Cgroup? {
        if let path = self["on"]?["cgroup"]?.text { return path.isEmpty ? .own : Cgroup(path: path) }
        if let path = self["on"]?["pod"]?.text { return path.isEmpty ? .pod : .pod(at: path) }
        return nil
    }

    /// Calls `body` with the target process, which is pinned during the call.
    func withTarget<R>(_ body: (Target) throws -> R) throws -> R {
        guard let on = self["on"] else { return try body(.currentProcess) }
        if let pid = on["pid"] { return try body(.process(try pid.processNumber())) }
        guard let pid = on["pidfd"] else { throw RlimitError.invalid("there is no such target") }
        let process = try ProcessHandle(pid: try pid.processNumber())
        return try body(process.target)
    }
}
