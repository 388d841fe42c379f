import RlimitModel
import RlimitWire

/// What the agent is asked, and how its answer is read.
protocol Question: Sendable {
    associatedtype Value: Sendable
    var inquiry: Inquiry { get }
    /// Nil for an answer to something else.
    func value(of reply: Reply) -> Value?
    /// The same of limits alone.
    func value(of told: borrowing ToldLimits) -> Value?
    /// The resource whose limit is all that is asked for, if it is one.
    var resource: Resource? { get }
    /// What the limit of that resource means.
    func value(of limit: Limit) -> Value?
}

extension Question {
    func value(of told: borrowing ToldLimits) -> Value? { value(of: .limits(told.resources, told.limits)) }
    var resource: Resource? { nil }
    func value(of limit: Limit) -> Value? { nil }
}

/// One limit.
struct LimitQuestion: Question {
    let inquiry: Inquiry
    let resource: Resource?

    init(_ resource: Resource, of subject: Subject) {
        var resources = ResourceSet.none
        resources.insert(resource)
        self.init(resource, Inquiry(.get(subject.whom, resources), of: subject))
    }

    init(_ resource: Resource, _ inquiry: Inquiry) {
        self.resource = resource
        self.inquiry = inquiry
    }

    func value(of reply: Reply) -> Limit? {
        guard case .limits(let told, let limits) = reply, let resource, told.contains(resource) else { return nil }
        return limits[resource]
    }

    func value(of told: borrowing ToldLimits) -> Limit? {
        guard let resource, told.resources.contains(resource) else { return nil }
        return told.limits[resource]
    }

    func value(of limit: Limit) -> Limit? { limit }
}

/// Whatever the agent answers.
struct OpenQuestion: Question {
    let inquiry: Inquiry

    func value(of reply: Reply) -> Reply? { reply }
}

struct LimitsQuestion: Question {
    let inquiry: Inquiry
    private let resources: ResourceSet

    init(_ resources: ResourceSet, of subject: Subject) {
        self.resources = resources
        inquiry = Inquiry(.get(subject.whom, resources), of: subject)
    }

    func value(of reply: Reply) -> Limits? {
        guard case .limits(let told, let limits) = reply, resources.allSatisfy({ told.contains($0) }) else {
            return nil
        }
        return limits
    }
}

struct UsageQuestion: Question {
    let inquiry: Inquiry

    init(_ scope: Usage.Scope, of subject: Subject) { inquiry = Inquiry(.usage(subject.whom, scope), of: subject) }

    init(thread: Int32, of subject: Subject) {
        inquiry = Inquiry(.threadUsage(subject.whom, thread: thread), of: subject)
    }

    func value(of reply: Reply) -> Usage? {
        guard case .usage(let usage) = reply else { return nil }
        return usage
    }
}

struct ChangesQuestion: Question {
    let inquiry: Inquiry
    private let batch: EditBatch

    init(_ batch: EditBatch, of subject: Subject) {
        self.batch = batch
        inquiry = Inquiry(.set(subject.whom, batch, lease: nil), of: subject)
    }

    func value(of reply: Reply) -> [Change]? {
        guard case .changes(let changes, _) = reply, changes.map(\.resource) == batch.map(\.resource) else {
            return nil
        }
        return changes
    }
}

struct ExplanationQuestion: Question {
    let inquiry: Inquiry

    init(_ operation: Request.Operation, of subject: Subject) {
        inquiry = Inquiry(operation, isQuestion: true, of: subject)
    }

    func value(of reply: Reply) -> Explanation? {
        guard case .explanation(let explanation) = reply else { return nil }
        return explanation
    }
}

struct AgentInfoQuestion: Question {
    var inquiry: Inquiry { Inquiry(.serverInfo) }

    func value(of reply: Reply) -> AgentInfo? {
        guard case .serverInfo(let info) = reply else { return nil }
        return info
    }
}

struct StatisticsQuestion: Question {
    var inquiry: Inquiry { Inquiry(.stats) }

    func value(of reply: Reply) -> Statistics? {
        guard case .stats(let statistics) = reply else { return nil }
        return statistics
    }
}
