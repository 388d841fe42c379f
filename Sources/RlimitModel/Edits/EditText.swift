// The text form of an edit, RESOURCE=VALUE, for command lines and configuration files.
//
//     nofile=65536          soft becomes this; hard is raised to it if below, and never lowered
//     nofile=1024:65536     soft and hard, exactly
//     core=0:   core=:0     one half; the other stays
//     cpu=10s   as=8G       units as the resource has them
//     as=unlimited          no limit
//     as=hard   nofile=max  the current hard limit; the maximum that policy or the current hard limit gives

extension Edit {
    /// Parses the text form of an edit: `nofile=65536`, `memlock=64M:8G`, `cpu=10s:`, `core=:0`, `as=hard`,
    /// `nofile=max`.
    ///
    /// The resource may have any spelling that ``Resource/init(named:)`` accepts. A number without a unit is in the
    /// kernel's unit: bytes, seconds, microseconds, or a count. `hard` is the hard limit at the time of the edit, and
    /// `max` the maximum that policy or that hard limit gives.
    ///
    /// - Parameters:
    ///   - text: A resource, `=`, and one value, or two values separated by a colon, one of which may be missing.
    ///   - mode: How the values are applied.
    /// - Throws: `.invalidArgument` for a text of another form or a value that does not fit the resource,
    ///   `.invalidResource` for an unknown name and `.unsupported` for a resource that only other systems have. The
    ///   message names the fault and the correct form.
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
    /// Parses the right side of `RESOURCE=VALUE`.
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
    /// Parses one half, or the single value for both.
    package init(parsing text: some StringProtocol, for resource: Resource) throws(RlimitError) {
        switch text.lowercased() {
        case "hard": self = .hard
        case "max": self = .most
        default: self = .bound(try resource.bound(parsing: text))
        }
    }
}
