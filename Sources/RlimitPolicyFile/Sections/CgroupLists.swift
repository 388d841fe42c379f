import RlimitPolicy

// Lists of cgroups, units and labels, for callers and protected processes.

extension PolicyFileReader {
    mutating func cgroups(_ entry: TomlEntry) -> [CgroupPattern]? {
        texts(entry, example: "[\"/kubepods.slice/**\"]") { reader, text, location in
            do throws(CgroupPattern.Malformed) {
                return try CgroupPattern(text)
            } catch {
                reader.diagnostics.error(location, "\"\(text)\" is not a cgroup path: \(reason(error))")
                return nil
            }
        }
    }

    mutating func units(_ entry: TomlEntry) -> [UnitPattern]? {
        texts(entry, example: "[\"nginx.service\"]") { reader, text, location in
            if let fault = unitFault(text) {
                reader.diagnostics.error(location, fault)
                return nil
            }
            return UnitPattern(text)
        }
    }

    mutating func labels(_ entry: TomlEntry) -> [TextPattern]? {
        texts(entry, example: "[\"docker-default (enforce)\"]") { reader, text, location in
            if text.isEmpty { reader.diagnostics.error(location, "a label must not be empty") }
            return TextPattern(text)
        }
    }
}

private func reason(_ error: CgroupPattern.Malformed) -> String {
    switch error {
    case .relative: "it must begin with /, the root of the hierarchy"
    case .root: "the root does not tell processes apart; write \"/**\" for every cgroup below it"
    case .emptyComponent: "it has an empty component; remove // and a / at the end"
    case .dots: "it must not contain the components . and .."
    case .starsNotLast:
        "** must be the whole last component and matches everything below; * matches within one component"
    }
}

// The kinds of unit that have processes.
private let unitSuffixes = ["service", "scope", "socket", "mount", "swap"]

private func unitFault(_ text: String) -> String? {
    if text.contains("/") { return "the name of a unit has no /: write \"nginx.service\", or use cgroups" }
    guard let dot = text.lastIndex(of: ".") else {
        return "\"\(text)\" is not the name of a unit: write it with its suffix, as \"\(text).service\""
    }
    let suffix = String(text[text.index(after: dot)...])
    if suffix == "slice" { return "a slice is a cgroup: use cgroups = [\"/\(text)/**\"]" }
    if unitSuffixes.contains(suffix), dot > text.startIndex { return nil }
    return
        "\"\(text)\" is not the name of a unit with processes: it must end in .\(unitSuffixes.joined(separator: ", ."))"
}
