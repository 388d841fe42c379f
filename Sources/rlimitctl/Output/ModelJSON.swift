import RlimitModel

// How the nouns of the library look in JSON. Keys never change their meaning; new ones may come.

extension JSON {
    /// A bare number in the unit of the resource, or "unlimited".
    static func bound(_ bound: Limit.Bound) -> JSON { bound.value.map(JSON.number) ?? .string("unlimited") }

    /// Both halves, or null.
    static func limit(_ limit: Limit?) -> JSON {
        guard let limit else { return .null }
        return .object([("soft", .bound(limit.soft)), ("hard", .bound(limit.hard))])
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
            ("warnings", .array(change.warnings.map { .string($0.word) })),
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

    /// The members of an error's object, to which a command may add its own.
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

extension Change.Warning {
    /// The word for this warning in JSON.
    var word: String {
        switch self {
        case .limitedByUserNamespace: "limitedByUserNamespace"
        }
    }

    /// What it means, for people.
    var sentence: String {
        switch self {
        case .limitedByUserNamespace:
            "the user namespace that the process is in holds this limit down whatever it says"
        }
    }
}
