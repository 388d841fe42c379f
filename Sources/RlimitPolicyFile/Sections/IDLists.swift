import RlimitPolicy

// Lists of users and groups: names, numbers, and ranges of numbers.

extension PolicyFileReader {
    /// How to report a name without an account.
    enum UnknownName {
        /// As a warning: the rule matches less and so grants less than intended.
        case warning
        /// As an error: a missing match would grant more than intended.
        case error
    }

    mutating func users(_ entry: TomlEntry, unknown: UnknownName) -> IDSet? {
        ids(entry, kind: "user", unknown: unknown, lookup: accounts.userID)
    }

    mutating func groups(_ entry: TomlEntry, unknown: UnknownName) -> IDSet? {
        ids(entry, kind: "group", unknown: unknown, lookup: accounts.groupID)
    }

    private mutating func ids(
        _ entry: TomlEntry, kind: String, unknown: UnknownName, lookup: (String) -> UInt32?
    ) -> IDSet? {
        guard let nodes = list(entry, example: "[\"name\", 1000, \"1000-59999\"]") else { return nil }
        var ranges: [ClosedRange<UInt32>] = []
        for node in nodes {
            switch node.value {
            case .integer(let number):
                if let id = id(number, node.location) { ranges.append(id...id) }
            case .string(let text):
                if let range = range(text, node.location) {
                    ranges.append(contentsOf: range)
                } else if let id = lookup(text) {
                    ranges.append(id...id)
                } else {
                    reportUnknownName(kind, text, node.location, unknown)
                }
            default:
                diagnostics.error(
                    node.location, "a \(kind) is a name, a number or a range \"1000-59999\", and this is \(node.kind)")
            }
        }
        return IDSet(ranges)
    }

    private mutating func reportUnknownName(
        _ kind: String, _ name: String, _ location: SourceLocation, _ unknown: UnknownName
    ) {
        switch unknown {
        case .warning:
            diagnostics.warning(
                location,
                "no \(kind) \"\(name)\" on this system: the name matches nothing, and is looked up again at the next reload"
            )
        case .error:
            diagnostics.error(
                location,
                "no \(kind) \"\(name)\" on this system, so this would forbid less than it says; "
                    + "write a name that exists, or the number")
        }
    }

    // nil if the text is a name; empty if its numbers are invalid, which this method reports.
    private mutating func range(_ text: String, _ location: SourceLocation) -> [ClosedRange<UInt32>]? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ isNumber($0) }) else { return nil }
        let ids = parts.compactMap { part in id(Int64(part) ?? .max, location) }
        guard let low = ids.first, let high = ids.last, ids.count == parts.count else { return [] }
        guard low <= high else {
            diagnostics.error(location, "the range \"\(text)\" is reversed; write \"\(high)-\(low)\"")
            return []
        }
        return [low...high]
    }

    private func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    // 2^32 - 1 means "no id" in the kernel.
    private mutating func id(_ number: Int64, _ location: SourceLocation) -> UInt32? {
        if let id = UInt32(exactly: number), id != .max { return id }
        diagnostics.error(location, "an id must be in the range 0 to 4294967294")
        return nil
    }
}
