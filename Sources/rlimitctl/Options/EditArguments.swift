import RlimitModel

/// Edits as the command line has them: `nofile=65536 core=0`.
enum EditArguments {
    /// All of them, of distinct resources.
    static func parse(
        _ words: [String], mode: Edit.Mode = .exact, expecting: String? = nil
    ) throws -> [Edit] {
        var seen = ResourceSet.none
        var edits: [Edit] = []
        for word in words {
            var edit = try rethrowingFailure { () throws(RlimitError) in try Edit(parsing: word, mode: mode) }
            guard seen.insert(edit.resource) else { throw UsageError("\(edit.resource.name) is given twice") }
            if let expecting { edit.expecting = try limit(expecting, of: edit.resource) }
            edits.append(edit)
        }
        if expecting != nil, edits.count != 1 { throw UsageError("--expect goes with one RESOURCE=VALUE") }
        return edits
    }

    /// Resources by name, each once, in the order they were named; all sixteen where none is named.
    static func resources(_ names: [String]) throws -> [Resource] {
        guard !names.isEmpty else { return Array(Resource.allCases) }
        var seen = ResourceSet.none
        let resources = try names.map { name in
            try rethrowingFailure { () throws(RlimitError) in try Resource(named: name) }
        }
        return resources.filter { seen.insert($0) }
    }

    // "1024:4096": what --expect takes.
    private static func limit(_ text: String, of resource: Resource) throws -> Limit {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        guard halves.count == 2, let soft = halves.first, let hard = halves.last else {
            throw UsageError("--expect needs both halves as SOFT:HARD, such as 1024:4096")
        }
        return try rethrowingFailure { () throws(RlimitError) in
            Limit(soft: try resource.bound(parsing: soft), hard: try resource.bound(parsing: hard))
        }
    }

    private static func rethrowingFailure<Value>(_ read: () throws(RlimitError) -> Value) throws -> Value {
        do throws(RlimitError) { return try read() } catch {
            throw Failure(error, status: error.code.parsingExitStatus)
        }
    }
}
