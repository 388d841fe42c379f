import RlimitModel
import RlimitWire

/// One kind of request, and the value that its response means.
protocol AgentCall: Sendable {
    associatedtype Value: Sendable
    var request: AgentRequest { get }
    /// The value of a response; nil if the response does not fit the request.
    func value(of reply: Reply) -> Value?
    /// The value of a response that contains only limits.
    func value(of decoded: borrowing DecodedLimits) -> Value?
    /// The requested resource, if the call asks for one limit only.
    var resource: Resource? { get }
    /// The value of the limit of that resource.
    func value(of limit: Limit) -> Value?
}

extension AgentCall {
    func value(of decoded: borrowing DecodedLimits) -> Value? { value(of: .limits(decoded.resources, decoded.limits)) }
    var resource: Resource? { nil }
    func value(of limit: Limit) -> Value? { nil }
}

/// Reads one limit.
struct LimitCall: AgentCall {
    let request: AgentRequest
    let resource: Resource?

    init(_ resource: Resource, of resolvedTarget: ResolvedTarget) {
        var resources = ResourceSet.none
        resources.insert(resource)
        self.init(resource, AgentRequest(.get(resolvedTarget.requestTarget, resources), of: resolvedTarget))
    }

    init(_ resource: Resource, _ request: AgentRequest) {
        self.resource = resource
        self.request = request
    }

    func value(of reply: Reply) -> Limit? {
        guard case .limits(let present, let limits) = reply, let resource, present.contains(resource) else {
            return nil
        }
        return limits[resource]
    }

    func value(of decoded: borrowing DecodedLimits) -> Limit? {
        guard let resource, decoded.resources.contains(resource) else { return nil }
        return decoded.limits[resource]
    }

    func value(of limit: Limit) -> Limit? { limit }
}

/// Returns any response of the agent.
struct UntypedCall: AgentCall {
    let request: AgentRequest

    func value(of reply: Reply) -> Reply? { reply }
}

struct LimitsCall: AgentCall {
    let request: AgentRequest
    private let resources: ResourceSet

    init(_ resources: ResourceSet, of resolvedTarget: ResolvedTarget) {
        self.resources = resources
        request = AgentRequest(.get(resolvedTarget.requestTarget, resources), of: resolvedTarget)
    }

    func value(of reply: Reply) -> Limits? {
        guard case .limits(let present, let limits) = reply, resources.allSatisfy({ present.contains($0) }) else {
            return nil
        }
        return limits
    }
}

struct UsageCall: AgentCall {
    let request: AgentRequest

    init(_ scope: Usage.Scope, of resolvedTarget: ResolvedTarget) {
        request = AgentRequest(.usage(resolvedTarget.requestTarget, scope), of: resolvedTarget)
    }

    init(thread: Int32, of resolvedTarget: ResolvedTarget) {
        request = AgentRequest(.threadUsage(resolvedTarget.requestTarget, thread: thread), of: resolvedTarget)
    }

    func value(of reply: Reply) -> Usage? {
        guard case .usage(let usage) = reply else { return nil }
        return usage
    }
}

struct SetCall: AgentCall {
    let request: AgentRequest
    private let batch: EditBatch

    init(_ batch: EditBatch, of resolvedTarget: ResolvedTarget) {
        self.batch = batch
        request = AgentRequest(.set(resolvedTarget.requestTarget, batch, lease: nil), of: resolvedTarget)
    }

    func value(of reply: Reply) -> [Change]? {
        guard case .changes(let changes, _) = reply, changes.map(\.resource) == batch.map(\.resource) else {
            return nil
        }
        return changes
    }
}

struct ExplainCall: AgentCall {
    let request: AgentRequest

    init(_ operation: Request.Operation, of resolvedTarget: ResolvedTarget) {
        request = AgentRequest(operation, isExplain: true, of: resolvedTarget)
    }

    func value(of reply: Reply) -> Explanation? {
        guard case .explanation(let explanation) = reply else { return nil }
        return explanation
    }
}

struct AgentInfoCall: AgentCall {
    var request: AgentRequest { AgentRequest(.serverInfo) }

    func value(of reply: Reply) -> AgentInfo? {
        guard case .serverInfo(let info) = reply else { return nil }
        return info
    }
}

struct StatisticsCall: AgentCall {
    var request: AgentRequest { AgentRequest(.stats) }

    func value(of reply: Reply) -> Statistics? {
        guard case .stats(let statistics) = reply else { return nil }
        return statistics
    }
}
