import RlimitModel

// The JSON of the library's types. Keys never change their meaning; new keys can be added.

extension JSON {
    /// A number in the unit of the resource, or "unlimited".
    static func bound(_ bound: Limit.Bound) -> JSON { bound.value.map(JSON.number) ?? .string("unlimited") }

    /// The soft and the hard limit, or null.
    static func limit(_ limit: Limit?) -> JSON {
        guard let limit else { return .null }
        return .object([("soft", .bound(limit.soft)), ("hard", .bound(limit.hard))])
    }

    /// `{"soft":1024,"hard":4096,"used":17,"unit":"count"}`
    static func limit(_ limit: Limit, of resource: Resource, used: UInt64?) -> JSON {
        .object([
            ("soft", .bound(limit.soft)), ("hard", .bound(limit.hard)), ("used", .optional(used)),
            ("unit", .string(resource.unit.name)),
        ])
    }

    /// `{"soft":1024,"hard":4096,"unit":"count"}`
    static func limit(_ limit: Limit, of resource: Resource) -> JSON {
        .object([
            ("soft", .bound(limit.soft)), ("hard", .bound(limit.hard)), ("unit", .string(resource.unit.name)),
        ])
    }

    static func change(_ change: Change) -> JSON {
        let (grantor, rule): (String, String?) =
            switch change.grantedBy {
            case .kernel: ("kernel", nil)
            case .agent(let rule): ("agent", rule)
            }
        return .object([
            ("resource", .string(change.resource.name)),
            ("old", .limit(change.old)),
            ("new", .limit(change.new)),
            ("grantedBy", .string(grantor)),
            ("rule", .optional(rule)),
            ("shortfall", change.shortfall.map(JSON.error) ?? .null),
            ("warnings", .array(change.warnings.map { .string($0.jsonName) })),
        ])
    }

    static func verdict(_ verdict: Explanation.Verdict) -> JSON {
        .object([
            ("resource", .string(verdict.resource.name)),
            ("now", .limit(verdict.now)),
            ("most", .limit(verdict.most)),
            ("rule", .optional(verdict.rule)),
            ("new", .limit(verdict.new)),
            ("error", verdict.error.map(JSON.error) ?? .null),
        ])
    }

    static func error(_ error: RlimitError) -> JSON { .object(members(of: error)) }

    /// The members of an error's object. A command can add others.
    static func members(of error: RlimitError) -> [(String, JSON)] {
        [
            ("code", .string(error.code.rawValue)),
            ("errno", .integer(Int(error.errno))),
            ("message", .string(error.message)),
            ("resource", .optional(error.resource?.name)),
            ("edit", error.editIndex.map(JSON.integer) ?? .null),
            ("rule", .optional(error.rule)),
            ("allowed", .limit(error.allowed)),
            ("retryAfter", error.retryAfter.map(JSON.seconds) ?? .null),
        ]
    }
}
