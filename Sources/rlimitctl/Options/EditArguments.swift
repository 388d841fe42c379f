import RlimitModel

/// Edits and resources as the command line has them: `nofile=65536 core=0`, `nofile core`.
enum EditArguments {
    /// Parses edits of distinct resources.
    static func parse(
        _ arguments: [String], mode: Edit.Mode = .exact, expecting: String? = nil
    ) throws -> [Edit] {
        var seen = ResourceSet.none
        var edits: [Edit] = []
        for argument in arguments {
            var edit = try Failure.ofParsing { () throws(RlimitError) in try Edit(parsing: argument, mode: mode) }
            guard seen.insert(edit.resource) else { throw UsageError("\(edit.resource.name) is given twice") }
            if let expecting { edit.expecting = try limit(expecting, of: edit.resource) }
            edits.append(edit)
        }
        if expecting != nil, edits.count != 1 { throw UsageError("--expect needs exactly one RESOURCE=VALUE") }
        return edits
    }

    /// Parses names of resources. Returns each once, in the given order; all sixteen if `names` is empty.
    static func resources(_ names: [String]) throws -> [Resource] {
        guard !names.isEmpty else { return Array(Resource.allCases) }
        var seen = ResourceSet.none
        let resources = try names.map { name in
            try Failure.ofParsing { () throws(RlimitError) in try Resource(named: name) }
        }
        return resources.filter { seen.insert($0) }
    }

    // The value of --expect: "1024:4096".
    private static func limit(_ text: String, of resource: Resource) throws -> Limit {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        guard halves.count == 2, let soft = halves.first, let hard = halves.last else {
            throw UsageError("--expect needs both limits as SOFT:HARD, such as 1024:4096")
        }
        return try Failure.ofParsing { () throws(RlimitError) in
            Limit(soft: try resource.bound(parsing: soft), hard: try resource.bound(parsing: hard))
        }
    }
}
