import RlimitPolicy

// Cgroups and units, by which callers and protected processes are named.

extension PolicyFileReader {
    mutating func cgroups(_ entry: TomlEntry) -> [CgroupPattern]? {
        texts(entry, example: "[\"/kubepods.slice/**\"]") { reader, text, location in
            do throws(CgroupPattern.Malformed) {
                return try CgroupPattern(text)
            } catch {
                reader.diagnostics.error(location, "\"\(text)\" is no cgroup: \(reason(error))")
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
            if text.isEmpty { reader.diagnostics.error(location, "a label is not empty") }
            return TextPattern(text)
        }
    }
}

private func reason(_ error: CgroupPattern.Malformed) -> String {
    switch error {
    case .relative: "a path begins with / at the root of the hierarchy"
    case .root: "the root says nothing of who is in it; \"/**\" is everything below"
    case .emptyComponent: "it has an empty part; write it without // and without a last /"
    case .dots: "a path has no . or .. in it"
    case .starsNotLast: "** stands alone and last, for everything below; * is any part of one name"
    }
}

// Those that have processes of their own.
private let unitSuffixes = ["service", "scope", "socket", "mount", "swap"]

private func unitFault(_ text: String) -> String? {
    if text.contains("/") { return "a unit has no / in it: write \"nginx.service\", or use cgroups" }
    guard let dot = text.lastIndex(of: ".") else {
        return "\"\(text)\" is no unit: write it whole, as \"\(text).service\""
    }
    let suffix = String(text[text.index(after: dot)...])
    if suffix == "slice" { return "a slice is a cgroup: use cgroups = [\"/\(text)/**\"]" }
    if unitSuffixes.contains(suffix), dot > text.startIndex { return nil }
    return "\"\(text)\" is no unit that has processes: it ends in .\(unitSuffixes.joined(separator: ", ."))"
}
