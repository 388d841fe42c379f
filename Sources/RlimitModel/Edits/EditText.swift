// How an edit is written: RESOURCE=VALUE, as on a command line or in a configuration file.
//
//     nofile=65536          soft becomes this; hard is raised to it if below, and never lowered
//     nofile=1024:65536     soft and hard, exactly
//     core=0:   core=:0     one half; the other stays
//     cpu=10s   as=8G       units as the resource has them
//     as=unlimited          no limit
//     as=hard   nofile=max  the present hard limit; the most that policy or the present hard limit gives

extension Edit {
    /// An edit as a person writes it: `nofile=65536`, `memlock=64M:8G`, `cpu=10s:`, `core=:0`, `as=hard`, `nofile=max`.
    ///
    /// The resource may have any spelling that ``Resource/init(named:)`` knows. A number without a unit counts as the
    /// kernel does: bytes, seconds, microseconds, or plain. `hard` is the hard limit at the time the edit is made, and
    /// `max` the most that policy or that hard limit gives.
    ///
    /// - Parameters:
    ///   - text: A resource, `=`, and one value, or two with a colon between them of which one may be missing.
    ///   - mode: How the values are meant.
    /// - Throws: `.invalidArgument` for a text of another form or a value that does not fit the resource,
    ///   `.invalidResource` for an unknown name and `.unsupported` for a resource that only other systems have. The
    ///   message names what was wrong and what would be right.
    public init(parsing text: String, mode: Mode = .exact) throws(RlimitError) {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = sides.first, !name.isEmpty else {
            throw RlimitError(
                .invalidArgument, message: "\"\(text)\" names no resource; write RESOURCE=VALUE, as nofile=65536")
        }
        let resource = try Resource(named: String(name))
        guard sides.count == 2, let value = sides.last, !value.isEmpty else {
            throw RlimitError(
                .invalidArgument, message: "\"\(text)\" gives no value; write \(name)=VALUE with \(resource.example)",
                resource: resource)
        }
        self.init(resource, try Values(parsing: value, for: resource), mode: mode)
    }
}

extension Edit.Values {
    /// The right side of `RESOURCE=VALUE`.
    package init(parsing text: some StringProtocol, for resource: Resource) throws(RlimitError) {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        switch words.count {
        case 1:
            self = .single(try Edit.Value(parsing: words[0], for: resource))
        case 2 where !(words[0].isEmpty && words[1].isEmpty):
            let soft = words[0].isEmpty ? nil : try Edit.Value(parsing: words[0], for: resource)
            let hard = words[1].isEmpty ? nil : try Edit.Value(parsing: words[1], for: resource)
            self = .halves(soft: soft, hard: hard)
        default:
            throw RlimitError(
                .invalidArgument,
                message: "\"\(text)\" is no value for \(resource); write VALUE, SOFT:HARD, SOFT: or :HARD",
                resource: resource)
        }
    }
}

extension Edit.Value {
    /// One half, or the value that stands for both.
    package init(parsing text: some StringProtocol, for resource: Resource) throws(RlimitError) {
        switch text.lowercased() {
        case "hard": self = .hard
        case "max": self = .most
        default: self = .bound(try resource.bound(parsing: text))
        }
    }
}
